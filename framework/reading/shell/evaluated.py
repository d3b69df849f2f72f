"""Commands that a script hands to a shell as text: `eval $CMD`, `bash -c "..."`."""

from __future__ import annotations

import re

from framework.reading.shell.fields import Field, split

_SHELL = re.compile(r"(?:.*/)?(?:bash|sh)")
_TAKES_TEXT = re.compile(r"-[a-z]*c")
_MORE_THAN_WORDS = re.compile(r"""[\\'"$`;&|<>(){}*?\[#~!\n]""")


def evaluated(fields: list[Field]) -> list[Field] | None:
    """The words of `eval $CMD` and of `bash -c "..."`; none where a shell would do more than part them at spaces, and
    None for any other command."""
    if len(fields) > 1 and fields[0].text == "eval":
        given = fields[1:]
    elif len(fields) > 2 and _SHELL.fullmatch(fields[0].text) and _TAKES_TEXT.fullmatch(fields[1].text):
        given = fields[2:3]
    else:
        return None
    if given[0].text == "eval" or any(
        _MORE_THAN_WORDS.search(each.text) or (each.unknown and not each.bare) for each in given
    ):
        return []
    return [word for each in given for word in ([each] if each.unknown else split(each))]
