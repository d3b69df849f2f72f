"""Names of variants that configs and scripts spell otherwise than the manifest: `M_SDM`, `m-sdm` for `M_sdm`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from framework.conformance import Finding, Rule, Severity, Stage
from framework.locations import Location
from framework.names import Path
from framework.stages.config.bound import BoundFile
from framework.stages.config.context import ConfigContext
from framework.stages.config.names.scripts import scripts
from framework.stages.config.names.spellings import Spellings

SPELLING = Rule(
    "C160", "variant-spelling", Severity.ERROR, Stage.CONFIG, "a variant's name is spelled otherwise in the manifest"
)


def check_file(context: ConfigContext, bounds: Sequence[BoundFile]) -> Iterator[Finding]:
    yield from _in_config(context, bounds[0], _spellings(context))


def check(context: ConfigContext) -> Iterator[Finding]:
    spellings = _spellings(context)
    if not spellings:
        return
    configs = {bound.file for bound in context.files}
    for script in scripts(context.experiment.root):
        if script.shown in configs or not spellings.suspects(script.data):
            continue
        for found in spellings.in_script(script.text, script.kind):
            line, column = script.place(found.start)
            where = Location(script.shown, line, column, None, len(found.written))
            yield _finding(context, found.written, found.name, where)


def _spellings(context: ConfigContext) -> Spellings:
    if "spellings" not in context.cache:
        context.cache["spellings"] = Spellings(context.experiment.stated.variants)
    found: Spellings = context.cache["spellings"]
    return found


def _in_config(context: ConfigContext, bound: BoundFile, spellings: Spellings) -> Iterator[Finding]:
    document = bound.document
    stem = document.file.rpartition("/")[2]
    for written, name in spellings.in_name(stem):
        yield _finding(context, written, name, Location(document.file, 1, 1))
    if not spellings.suspects(document.text.encode("utf-8", "ignore")):
        return
    keys: set[Path] = set()
    for path, node in bound.document.leaves():
        value = document.value(node)
        asked = any("variant" in str(part).casefold() for part in path)
        if isinstance(value, str):
            for written, name in spellings.in_value(value, asked):
                yield _finding(context, written, name, document.location(node, path))
        for length, part in enumerate(path, 1):
            if isinstance(part, str) and path[:length] not in keys:
                keys.add(path[:length])
                below = any("variant" in str(above).casefold() for above in path[: length - 1])
                for written, name in spellings.in_value(part, below):
                    found = document.walk(path[:length])
                    where = document.location(found[0] or found[1], path[:length]) if found else None
                    yield _finding(context, written, name, where)


def _finding(context: ConfigContext, written: str, name: str, where: Location | None) -> Finding:
    return Finding(
        SPELLING,
        f"{written!r} is the variant {name!r}, which the manifest spells otherwise",
        f"variants.{name}",
        expected=name,
        actual=written,
        location=where,
        declared=context.experiment.location(("variants", name)),
        advice=f"write {name}",
    )
