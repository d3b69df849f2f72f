"""From a runner and a step to the command: every stated value is passed once, or it is said why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.dialects.rendering.registry import written
from framework.dialects.rendering.sheet import Facts, Sheet, put
from framework.errors import InputError, UsageError
from framework.evidence.logs.registry import formats
from framework.locations import Location
from framework.manifest.clauses import shown
from framework.manifest.sections.runners import Flags, RenderedConfig, Runner, placeholders
from framework.names import Path, did_you_mean, parse_path
from framework.planning.commands.argument_texts import as_arguments, names_in
from framework.planning.commands.command import Command, Passed, filled
from framework.planning.commands.explicit_names import fact_named, fact_of, value_of
from framework.planning.commands.leftovers import Leftovers, completed
from framework.planning.commands.program_files import sources_of
from framework.planning.commands.step_facts import Situation, facts_of
from framework.planning.contents.digested import Contents

_BY_PLACEHOLDER = {"seed": "seed", "model": "model", "dataset": "dataset", "processes": "batch_size.processes"}


def command_for(situation: Situation, name: str, runner: Runner, contents: Contents) -> Command:
    """The command of a step; ``contents`` are those of the files that it names.

    Raises:
        InputError: with every stated value that is passed nowhere, and whatever else cannot be.
    """
    return _Making(situation, name, runner, contents).command()


class _Making:
    def __init__(self, situation: Situation, name: str, runner: Runner, contents: Contents):
        self.situation, self.name, self.runner, self.contents = situation, name, runner, contents
        self.facts: Facts = facts_of(situation)
        self.said: set[str] = set()
        self.refused: dict[str, str] = {}
        self.sinks: list[str] = []

    def command(self) -> Command:
        runner = self.runner
        if runner.outputs.format is not None and runner.outputs.format not in (known := formats()):
            message = f"no format of logs is called {runner.outputs.format!r}"
            raise InputError.at(self._at("outputs", "format"), message, did_you_mean(runner.outputs.format, known))
        self._by_placeholder()
        configs, files = {}, {}
        for file, config in runner.configs.items():
            configs[file], files[file] = self._config(file, config)
        given = tuple(filled(runner.command, self._values()))
        flags, passed = self._flags(runner.flags, given) if runner.flags else ((), None)
        at = given.index("{flags}") if "{flags}" in given else len(given)
        argv = (*given[:at], *flags, *given[at + 1 :])
        self.said = completed(self.said)
        unpassed = tuple(text.removeprefix(f"phases.{self.situation.phase}.") for text in runner.unpassed)
        left = (self.refused, unpassed, self.sinks, self._at)
        notes = Leftovers(self.situation, self.name, self.facts, self.said, *left).notes()
        return Command(
            runner=self.name,
            argv=argv,
            configs=configs,
            environment=filled(dict(runner.environment), self._values()),
            sources=self.contents.of(sources_of(self.situation.experiment.root, self.name, runner)),
            resume=runner.resume,
            timeout_hours=runner.timeout_hours,
            outputs=runner.outputs,
            processes=self.facts["batch_size.processes"],
            facts=self.facts.values,
            passed=tuple(sorted(self.said)),
            unpassed=unpassed,
            flags=passed,
            files=files,
            notes=notes,
        )

    def _at(self, *path: str) -> Location:
        return self.situation.experiment.location(("runners", self.name, *path))

    def _values(self) -> dict[str, str]:
        """What the placeholders of facts stand for; those of folders stay."""
        situation = self.situation
        known = {"phase": situation.phase, "variant": situation.variant, "task": situation.task or ""}
        facts = {name: self.facts.get(fact) for name, fact in _BY_PLACEHOLDER.items()}
        return known | {name: str(value) for name, value in facts.items() if value is not None}

    def _by_placeholder(self) -> None:
        """Facts that the command takes by a placeholder; one that has no value here is refused."""
        situation, runner = self.situation, self.runner
        spoken = [*runner.command, *runner.environment.values(), [each.values for each in runner.configs.values()]]
        used = set(placeholders(spoken))
        for name in used & _BY_PLACEHOLDER.keys():
            if self.facts.get(_BY_PLACEHOLDER[name]) is None:
                what = {"model": f"models.{situation.model_name}", "dataset": f"datasets.{situation.work.dataset_name}"}
                message = f"{{{name}}}: {what[name]} has neither `path` nor `hub` that a script could read"
                raise InputError.at(self._at("command"), message)
            self.said.add(_BY_PLACEHOLDER[name])
        if "task" in used and situation.task is None:
            raise InputError.at(self._at("command"), f"{{task}}: the phase {situation.phase!r} has no tasks")

    def _config(self, file: str, config: RenderedConfig) -> tuple[dict[str, Any], Passed]:
        place = ("configs", file)
        self.sinks.append(f"{file} ({config.dialect})" if config.dialect else file)
        keyed, bound = self._keyed(config.keys, (*place, "keys"))
        data: dict[str, Any] = {}
        for key, value in filled(config.values, self._values()).items():
            put(data, parse_path(key), value)
        sheet = self._sheet(config.dialect, {fact_of(name) for name in bound.values()}, (*place, "dialect"))
        for path in sheet.places if sheet else ():
            assert sheet is not None
            self._put(data, path, _at(sheet.data, path), (*place, "values"))
        for key, value in keyed.items():
            self._put(data, parse_path(key), value, (*place, "values"))
        return filled(data, self._values()), Passed(config.dialect, bound)

    def _put(self, data: dict[str, Any], path: Path, value: Any, place: tuple[str, ...]) -> None:
        """Write a value of the manifest's; one of `values` that says otherwise is refused."""
        try:
            before = _at(data, path)
        except LookupError:
            before = None
        named = ".".join(map(str, path))
        if before is not None and before != value and not (isinstance(before, dict) and value == {}):
            message = f"`values` state {named} = {shown(before)}; the manifest makes it {shown(value)}"
            raise InputError.at(self._at(*place), message, "leave it out: it is written by itself")
        if before is None:
            try:
                put(data, path, value)
            except ValueError as problem:
                raise InputError.at(self._at(*place), f"{named}: {problem}") from None

    def _flags(self, flags: Flags, given: tuple[str, ...]) -> tuple[tuple[str, ...], Passed]:
        self.sinks.append(f"flags ({flags.dialect})" if flags.dialect else "flags")
        keyed, bound = self._keyed(flags.keys, ("flags", "keys"))
        present = names_in(given)
        for name in keyed:
            if name.lstrip("-").replace("-", "_") in present:
                raise InputError.at(self._at("flags", "keys", name), f"the command states {name!r} itself already")
        sheet = self._sheet(flags.dialect, {fact_of(name) for name in bound.values()}, ("flags", "dialect"), present)
        spoken = {**(sheet.data if sheet else {}), **keyed}
        named = {key if flags.style == "key=value" or key.startswith("-") else f"--{key}": bound[key] for key in bound}
        return tuple(filled(as_arguments(spoken, flags.style), self._values())), Passed(flags.dialect, named)

    def _keyed(self, keys: Mapping[str, str], place: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
        """The values of explicit keys, and the facts that they name; those that the manifest does not state are left
        out."""
        values, bound = {}, {}
        for key, text in keys.items():
            where = self._at(*place, key)
            name = fact_named(self.situation, text, where)
            value = value_of(self.facts, name, where)
            if value is not None:
                values[key], bound[key] = value, name
                self.said.add(fact_of(name))
        return values, bound

    def _sheet(
        self, dialect: str | None, keyed: set[str], place: tuple[str, ...], present: set[str] | None = None
    ) -> Sheet | None:
        """What a dialect writes; not what an explicit key says, nor a flag that the command states itself."""
        if dialect is None:
            return None
        try:
            sheet = written(dialect, self.facts)
        except UsageError as problem:
            raise InputError.at(self._at(*place), str(problem)) from None
        sheet.leave_out(keyed, lambda path: present is not None and str(path[0]) in present)
        self.said |= sheet.said
        self.refused = {**sheet.refused, **self.refused}
        return sheet


def _at(data: Any, path: Path) -> Any:
    for part in path:
        if not isinstance(data, (dict, list)):
            raise LookupError(part)
        data = data[part]  # type: ignore[index]
    return data
