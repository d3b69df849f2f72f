"""Which rules' findings are shown and count: `--select` and `--ignore`, by code, by the start of one, or by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from framework.conformance import Finding, Rule
from framework.errors import UsageError
from framework.names import did_you_mean


def codes(asked: Iterable[str], rules: dict[str, Rule]) -> frozenset[str]:
    """The codes that a choice such as `C1,drift` means.

    Raises:
        UsageError: it names no rule.
    """
    found: set[str] = set()
    for text in asked:
        for name in filter(None, (part.strip() for part in text.split(","))):
            folded = name.upper()
            meant = {code for code, rule in rules.items() if code.startswith(folded) or rule.name == name}
            if not meant:
                known = [*rules, *(rule.name for rule in rules.values())]
                raise UsageError(f"no rule {name!r}: {did_you_mean(name, known)}")
            found |= meant
    return frozenset(found)


def selected(
    findings: Sequence[Finding], select: Sequence[str], ignore: Sequence[str], rules: dict[str, Rule]
) -> list[Finding]:
    """The findings that are left; `--ignore` wins over `--select`.

    Raises:
        UsageError: a choice names no rule.
    """
    wanted, unwanted = codes(select, rules), codes(ignore, rules)
    return [finding for finding in findings if finding.code not in unwanted and (not select or finding.code in wanted)]
