"""Every bound config file, held to the manifest as the paper states it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from framework.conformance import Finding, Rule, Stage
from framework.conformance.matrix import Matrix
from framework.conformance.registry import apply, apply_to_file
from framework.conformance.waivers import Judge
from framework.errors import InputError, Problem, UsageError
from framework.locations import Location
from framework.manifest.experiment import Experiment
from framework.manifest.sections.bindings import Binding
from framework.stages.config import rules
from framework.stages.config.bound import BoundFile, Pattern
from framework.stages.config.captures import concrete
from framework.stages.config.companions import Companions
from framework.stages.config.context import ConfigContext
from framework.stages.config.grid_statements import for_all_of_a_grid
from framework.stages.config.layers.launch_settings import unless_overruled
from framework.stages.config.meaning.clause_targets import target_of, targets_below
from framework.stages.config.silence import silent

if TYPE_CHECKING:
    from framework.dialects.terms import Dialect


class Held(NamedTuple):
    """What was looked at, and the findings that belong to no clause; the verdicts are in the matrix."""

    files: list[str]
    keys: int
    findings: list[Finding]
    companions: Companions
    """Which of the files configure one run."""
    read: frozenset[str]
    """All that was read: the bound files, those that they name for their trainers, and what they are composed of."""


def hold(experiment: Experiment, judge: Judge, matrix: Matrix) -> Held:
    """Add the verdicts of the config stage to a matrix.

    Raises:
        InputError: a binding matches no file or names no clause, a file cannot be read, or nothing is bound at
            all: a gate that looked at nothing must not pass.
    """
    files, bindings, problems = bound_files(experiment)
    if any(bound.is_script or bound.file.endswith(".py") for bound in files):
        from framework.stages.config.layers.named_files import lay_over

        lay_over(files, str(experiment.root))
    context = ConfigContext(experiment, judge, files, bindings)
    keys, findings, stating = _each_file(context, matrix, problems)
    if problems:
        raise InputError([problem for _, problem in sorted(problems, key=lambda pair: pair[0])])
    verdicts, found = apply(rules, context)
    matrix.add(verdicts)
    matrix.revise(Stage.CONFIG, partial(unless_overruled, context.companions))
    matrix.add(silent(context, context.companions))
    matrix.add_conforming(context.conforming.values())
    matrix.add(list(for_all_of_a_grid(experiment, matrix)))
    if not stating or not (matrix.looked_at(Stage.CONFIG) or context.searched):
        unsettled = list(matrix.unsettled(context.companions.settles)) if stating else []
        nothing = Problem(
            "nothing of what the config files state is known here: there is nothing to check"
            if unsettled
            else "no config file states any clause: there is nothing to check",
            experiment.location(("configs",)) if files else Location(experiment.document.file, 1, 1),
            "give the bindings `keys:` that name clauses, or `describes:` with a trainer's `dialect:`"
            if files
            else "bind files under `configs:`, with `keys:` that name clauses",
        )
        open_ones = [each for each in findings if each.rule.name == "ambiguous-key" and each.location]
        open_ones += [each for each in unsettled if each.location]
        raise InputError([nothing, *(Problem(each.message, each.location, each.advice) for each in open_ones)])
    return Held(sorted({bound.file for bound in files}), keys, findings + found, context.companions, _read(context))


Problems = list[tuple[tuple[int, str], Problem]]
"""What keeps a check from its answer, with the binding and the file that it is about."""


def bound_files(experiment: Experiment) -> tuple[list[BoundFile], list[Binding], Problems]:
    """The files of all bindings, none of them read, and what is wrong with a binding itself."""
    files: list[BoundFile] = []
    bindings: list[Binding] = []
    problems: Problems = []
    here = os.getcwd()
    for index, stated in enumerate(experiment.stated.configs):
        try:
            dialect = _dialect(experiment, stated, index)
            for binding, _, names in concrete(experiment, index, here):
                pattern = _pattern(experiment, binding, (len(bindings), index), dialect)
                bindings.append(binding)
                files += [BoundFile(pattern, name) for name in names]
        except InputError as failure:
            problems += [((index, ""), problem) for problem in failure.problems]
    return files, bindings, problems


def _pattern(experiment: Experiment, binding: Binding, numbers: tuple[int, int], dialect: Dialect | None) -> Pattern:
    stated = numbers[1]
    targets = {
        key: target_of(experiment, binding, text, ("configs", stated, "keys", key))
        for key, text in binding.keys.items()
    }
    states = [
        targets_below(experiment, binding, text, ("configs", stated, "states", position))
        for position, text in enumerate(binding.states)
    ]
    return Pattern(experiment, binding, *numbers, targets, states, dialect)


def _dialect(experiment: Experiment, binding: Binding, index: int) -> Dialect | None:
    if binding.dialect is None:
        return None
    from framework.dialects.registry import dialect

    try:
        return dialect(binding.dialect)
    except UsageError as problem:
        raise InputError.at(experiment.location(("configs", index, "dialect")), str(problem)) from None


def _each_file(context: ConfigContext, matrix: Matrix, problems: Problems) -> tuple[int, list[Finding], bool]:
    """Ask the rules about one file after the other, so that none needs to be kept in memory. Gives the number of
    keys, the findings that belong to no clause, and whether any file can state anything."""
    keys, findings, stating = 0, [], False
    for bounds in _with_companions(context, _by_file(list(context.files))):
        try:
            shapes = [bound.plan.shape for bound in bounds]
            keys += len(shapes[0]) if len(shapes) == 1 else len({path for shape in shapes for path in shape})
            stating = stating or any(bound.targets or bound.dialect for bound in bounds)
            for bound in bounds:
                if composed := bound.document.composed:
                    context.parts.update(path for path, _ in composed)
            if problems:
                continue  # there will be no answer, only all that is wrong
            context.companions.add(bounds)
            verdicts, found = apply_to_file(rules, context, bounds)
            matrix.add(verdicts)
            findings += found
        except InputError as failure:
            problems += [((bounds[0].pattern.stated, bounds[0].file), problem) for problem in failure.problems]
        finally:
            for bound in bounds:
                bound.close()
    return keys, findings, stating


def _with_companions(context: ConfigContext, by_file: Iterator[list[BoundFile]]) -> Iterator[list[BoundFile]]:
    """The files, and then those that they name for their trainers and that no binding covers."""
    found: list[BoundFile] = []
    for bounds in by_file:
        if any(bound.pattern.dialect is not None for bound in bounds):
            from framework.stages.config.layers.companion_files import companions

            named = [each for bound in bounds for each in _readable(companions, context, bound)]
            context.files += named
            found += named
        yield bounds
    yield from ([bound] for bound in found)


def _read(context: ConfigContext) -> frozenset[str]:
    real = cache(os.path.realpath)  # of a folder: asking for each of many files would take longer than reading them
    own = (os.path.join(bound.pattern.here, bound.file) for bound in context.files)
    split = (os.path.split(path) for path in (*own, *map(str, context.parts)))
    return frozenset(os.path.join(real(folder), name) for folder, name in split)


def _readable(
    companions: Callable[[ConfigContext, BoundFile], Iterator[BoundFile]], context: ConfigContext, bound: BoundFile
) -> list[BoundFile]:
    try:
        return list(companions(context, bound))
    except InputError:
        return []  # the file cannot be read: its own turn tells


def _by_file(files: list[BoundFile]) -> Iterator[list[BoundFile]]:
    """The files under all their bindings, in the order in which they are first bound."""
    together: dict[str, list[BoundFile]] = {}
    if files and files[0].pattern is not files[-1].pattern:
        for bound in files:
            together.setdefault(bound.file, []).append(bound)
    for bound in files:
        bounds = together.get(bound.file, [bound])
        if bounds[0] is bound:
            for each in bounds if len(bounds) > 1 else ():
                each.others = tuple(other for other in bounds if other is not each)
            yield bounds


def is_unbound(rule: Rule) -> bool:
    """Whether a finding says that a key is covered by nothing."""
    return rule.name in ("unbound-key", "ambiguous-key")
