"""What the parameters of a module's functions and classes have: their defaults, unless its calls pass something."""

from __future__ import annotations

import ast
from collections.abc import Callable

from framework.names import Path
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode
from framework.reading.python.flow.attributes import Attributes
from framework.reading.python.flow.callers import FROM_OUTSIDE, Call, Callers, Definition
from framework.reading.python.flow.scopes import Meaning, Scopes
from framework.reading.python.literals import Values
from framework.reading.python.programs import Program

_DIFFERENT = "its calls pass several values"
_UNKNOWN = "what a call passes is not known"


class Parameters:
    """Values of parameters. That of a call goes before the default where all calls agree; where they do not, or one
    cannot be followed, it is not known."""

    def __init__(self, document: Document, values: Values, program: Program, scopes: Callable[[], Scopes]):
        self.document = document
        self.values = values
        self.program = program
        self.attributes = Attributes(program.module, program.nodes)
        self.callers = Callers(program.module, program.nodes)
        self._scopes = scopes
        self._mappings: dict[str, MappingNode] = {}
        self._known: dict[tuple[str, str], AnyNode | None] = {}
        self._under_way: set[tuple[str, str]] = set()
        self._places: dict[int, tuple[str, str]] = {}
        for name, definition in self.callers.definitions.items():
            if definition.function is not None:
                arguments = definition.function.args
                for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
                    self._places[id(each)] = (name, each.arg)

    def settle(self, root: MappingNode) -> None:
        """Put what calls pass in the place of the defaults, in the tree and for whoever reads the fields of a class."""
        self._mappings = {
            name: found[1]
            for name in self.callers.definitions
            if (found := root.get(name)) is not None and isinstance(found[1], MappingNode)
        }
        for key, node in root.children():
            name = key.partition("#")[0]
            definition = self.callers.definitions.get(name)
            if (
                definition is None
                or not isinstance(node, MappingNode)
                or not (definition.calls or definition.commanded)
            ):
                continue
            for parameter in [key for key, _ in node.children()]:
                passed = self._passed(name, parameter)
                if passed is not None:
                    self._replace(node, (key, parameter), passed)
        for name, mapping in self._mappings.items():
            if name in self.program.fields:
                self.program.fields[name] = dict(mapping.children())
        self.program.settled = True

    def _replace(self, mapping: MappingNode, path: Path, node: AnyNode) -> None:
        name = str(path[-1])
        old = mapping.get(name)
        assert old is not None
        if old[1] is node:
            return
        self.document.replaced.setdefault(path, []).append(old[1])
        kept = not isinstance(node, MappingNode)  # a collection's values stand at the call
        mapping.items = [
            (key, node if key.text == name else each) for key, each in mapping.items if kept or key.text != name
        ]
        mapping._pairs = None

    def of(self, argument: ast.arg) -> AnyNode | None:
        """What a parameter has in its function's body; None where that is not known."""
        place = self._places.get(id(argument))
        if place is None:
            return None
        if (passed := self._passed(*place)) is not None:
            return passed
        mapping = self._mappings.get(place[0])
        default = None if mapping is None else mapping.get(place[1])
        return None if default is None or place in self._under_way else default[1]

    def attribute(self, me: ast.arg, names: tuple[str | int, ...]) -> AnyNode | None:
        """What `self.lr`, or Lightning's `self.hparams.lr`, has in a method; None where that is not known."""
        owner = self.attributes.owner(me)
        if owner is None or not names:
            return None
        definition = self.callers.definitions.get(owner.name)
        if len(names) == 2 and names[0] == "hparams" and owner.name in self.attributes.saving and definition:
            init = definition.function
            taken = [*init.args.args, *init.args.kwonlyargs] if init is not None else []
            return next((self.of(each) for each in taken if each.arg == names[1]), None)
        name, place = str(names[0]), (owner.name, f"self.{names[0]}")
        if len(names) > 1 or place in self._under_way:
            return None
        setting = self.attributes.setting(owner, name)
        if setting is None:
            plain = self.attributes.is_plain(owner, name) and self.program.settled
            return self.program.fields.get(owner.name, {}).get(name) if plain else None
        self._under_way.add(place)
        taken_before = set(self.values.taken)
        found = self.within(self._scopes().names(setting.statement), setting.value)
        self.values.taken = taken_before
        self._under_way.discard(place)
        return found

    def _passed(self, name: str, parameter: str) -> AnyNode | None:
        """What the calls pass; None where they leave it to the default."""
        place = (name, parameter)
        if place not in self._known:
            if place in self._under_way:
                return None
            self._under_way.add(place)
            self._known[place] = self._worked_out(self.callers.definitions[name], parameter)
            self._under_way.discard(place)
        return self._known[place]

    def _worked_out(self, definition: Definition, parameter: str) -> AnyNode | None:
        found: list[AnyNode] = []
        if parameter in definition.commanded:
            flag = self.program.flags.get(parameter)
            at = definition.node.decorator_list[0]
            found.append(self.values.opaque(at, FROM_OUTSIDE) if flag is None else self._from(flag))
        left_to_default = parameter not in definition.commanded and not definition.calls
        for call in definition.calls:
            given = call.given.get(parameter)
            if given is not None and call.open != "":
                found.append(self.values.opaque(given, call.open))
            elif given is not None:
                node = self._given(call, given, definition, parameter)
                found += [node] if node is not None else []
            elif call.open:
                found.append(self.values.opaque(call.node, call.open))
            else:
                left_to_default = True
        if not found:
            return None
        for node in found:
            if isinstance(node, MappingNode) or isinstance(self.document.value(node), Opaque):
                return node if len(found) == 1 and not left_to_default else self._unsure(node, _UNKNOWN)
        agreed = all(self._same(found[0], node) for node in found[1:])
        if left_to_default and agreed:
            mapping = self._mappings.get(definition.node.name)
            default = None if mapping is None else mapping.get(parameter)
            agreed = default is not None and self._same(found[0], default[1])
        if not agreed:
            return self._unsure(found[0], _DIFFERENT)
        if len(found) > 1 or left_to_default:  # it stands in several places: none of them alone says it
            return ComputedNode(found[0], parameter, self.document.value(found[0]))
        return found[0]

    def _given(self, call: Call, given: ast.expr, definition: Definition, parameter: str) -> AnyNode | None:
        """What an expression of a call is where it stands; None where a function only hands on its own parameter."""
        names = self._scopes().names(call.node)
        if isinstance(given, ast.Name):
            own = names.get(given.id)
            if isinstance(own, ast.arg) and self._places.get(id(own)) == (definition.node.name, parameter):
                return None
        taken = set(self.values.taken)
        node = self.within(names, given)
        self.values.taken = taken  # what it calls stands under its own name
        in_tree = isinstance(definition.node, ast.ClassDef)  # there the call has a place of its own
        return self._from(node) if in_tree and isinstance(node, ScalarNode) else node

    def _from(self, node: AnyNode) -> AnyNode:
        """The same value at the same place; what states it is the node itself."""
        value = self.document.value(node)
        editable = self.document.editable(node)
        return ComputedNode(node, getattr(node, "text", ""), value, origin=self.document.origin(node), literal=editable)

    def within(self, names: dict[str, Meaning], expression: ast.expr) -> AnyNode:
        """The node of an expression where names stand for these."""
        before, self.values.hidden = self.values.hidden, names
        try:
            return self.values.node(expression)
        finally:
            self.values.hidden = before

    def _unsure(self, node: AnyNode, reason: str) -> AnyNode:
        text = self.document.text[node.start : node.stop][:80]
        return ComputedNode(node, text, Opaque(text, reason))

    def _same(self, one: AnyNode, other: AnyNode) -> bool:
        first, second = self.document.value(one), self.document.value(other)
        return type(first) is type(second) and not isinstance(first, Opaque) and bool(first == second)
