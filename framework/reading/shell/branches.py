"""What a script's variables hold after constructs of which only one way is taken, or none, or one many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from framework.reading.shell.fields import Value
from framework.reading.shell.variables import Variables

MAY_NOT = "it is set where that may not happen"
DIFFER = "it depends on a condition"
LOOPED = "a loop or a function sets it"


@dataclass(slots=True)
class State:
    """The variables at one point of a script."""

    known: dict[str, Value]
    spoiled: dict[str, str]


@dataclass(slots=True)
class Block:
    """A construct that is open: `if`, `case`, `loop`, `group`, `function`, `subshell`, or the `signature` of a
    function."""

    kind: str
    before: State
    optional: bool
    """Whether it may not run at all, as after `&&`."""
    start: int = 0
    ends: list[State] = field(default_factory=list)
    """The states at the ends of the ways through it that are read."""
    total: bool = False
    """Whether one of its ways is always taken: it has an `else`, or a pattern `*`."""
    left: bool = False
    """Whether the way that is being read ends the script or the function."""


def state(variables: Variables) -> State:
    """The variables as they are."""
    return State(dict(variables.known), dict(variables.spoiled))


def restore(variables: Variables, earlier: State) -> None:
    """Let the variables be what they were."""
    variables.known, variables.spoiled = dict(earlier.known), dict(earlier.spoiled)


def end_of_way(block: Block, variables: Variables) -> None:
    """One way through a block is read; the next one starts where the block does."""
    if not block.left:
        block.ends.append(state(variables))
    block.left = False
    restore(variables, block.before)


def close(block: Block, variables: Variables, assigned: set[str]) -> None:
    """The variables after a block. ``assigned`` is what a function sets, whenever it is called."""
    if block.kind in ("subshell", "signature"):
        restore(variables, block.before)
    elif block.kind == "function":
        restore(variables, block.before)
        for name in assigned:
            variables.spoiled[name] = LOOPED
        variables.lasting |= assigned
    elif block.kind != "group" or block.optional:
        end_of_way(block, variables)
        if block.optional or not block.total:
            block.ends.append(block.before)
        join(variables, block.ends)


def join(variables: Variables, ends: Sequence[State]) -> None:
    """What holds whichever of the ways was taken: the value where they agree."""
    variables.known, variables.spoiled = {}, {}
    for name in dict.fromkeys(name for each in ends for name in (*each.known, *each.spoiled)):
        reason = next((each.spoiled[name] for each in ends if name in each.spoiled), None)
        values = [each.known.get(name) for each in ends]
        first = values[0]
        if first is not None and all(value is first for value in values):
            variables.known[name] = first
        elif first is not None and all(value is not None and _agree(first, value) for value in values):
            variables.known[name] = _of_several(first)
        else:
            variables.known[name] = next(value for value in values if value is not None) if any(values) else Value([])
            reason = reason or (MAY_NOT if None in values else DIFFER)
        if reason is not None:
            variables.spoiled[name] = reason


def _agree(one: Value, other: Value) -> bool:
    if one.array or other.array or len(one.fields) != 1 or len(other.fields) != 1:
        return False
    return one.fields[0].unknown is other.fields[0].unknown is None and one.fields[0].text == other.fields[0].text


def _of_several(value: Value) -> Value:
    """A value that stands in several places: changing one of them would not change it."""
    given = value.fields[0]
    return Value([replace(given, chunks=[replace(chunk, computed=True) for chunk in given.chunks])])
