"""Commands that a script hands to a shell as text: `eval $CMD`, `bash -c "..."`, `srun bash -c "..."`."""

from __future__ import annotations

import re

from framework.reading.shell.fields import Field, split

_SHELL = re.compile(r"(?:.*/)?(?:bash|sh)")
_STARTS = re.compile(r"(?:.*/)?(?:srun|mpirun|mpiexec|timeout|flock|numactl|singularity|apptainer)")
"""Programs that start the command behind their own arguments."""
_TAKES_TEXT = re.compile(r"-[a-z]*c")
_MORE_THAN_WORDS = re.compile(r"""[\\'"$`;&|<>(){}*?\[#~!\n]""")


def evaluated(fields: list[Field]) -> list[Field] | None:
    """The words of `eval $CMD` and of `bash -c "..."`; none where a shell would do more than part them at spaces, and
    None for any other command."""
    start = _shell_in(fields)
    if len(fields) > 1 and fields[0].text == "eval":
        given = fields[1:]
    elif start is not None:
        given = fields[start + 2 : start + 3]
    else:
        return None
    if given[0].text == "eval" or any(
        _MORE_THAN_WORDS.search(each.text) or (each.unknown and not each.bare) for each in given
    ):
        return []
    return [*fields[: start or 0], *(word for each in given for word in ([each] if each.unknown else split(each)))]


def _shell_in(fields: list[Field]) -> int | None:
    """Where a command starts a shell with `-c`; behind a launcher's own arguments, too."""
    most = len(fields) - 2 if fields and _STARTS.fullmatch(fields[0].text) else min(1, len(fields) - 2)
    for index in range(most):
        if _SHELL.fullmatch(fields[index].text) and _TAKES_TEXT.fullmatch(fields[index + 1].text):
            return index
    return None
