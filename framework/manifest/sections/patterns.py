"""Regular expressions that are compiled when the first text asks: most manifests hold none that needs them."""

import re
from functools import cached_property


class Pattern:
    """A pattern, compiled on its first use."""

    def __init__(self, text: str, flags: re.RegexFlag = re.NOFLAG):
        self._text, self._flags = text, flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """As `re.fullmatch`."""
        return self._compiled.fullmatch(text)
