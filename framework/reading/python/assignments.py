"""What a program's assignments set: names of the module, and configs, in parts, by updates, as copies of others."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from framework.names import Path
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Opaque, ScalarNode
from framework.reading.python.flow.decorators import last
from framework.reading.python.flow.dictionaries import dictionary, source
from framework.reading.python.flow.moments import UPDATES, Moment, Moments
from framework.reading.python.flow.scopes import Scopes
from framework.reading.python.parsers import Tree
from framework.reading.python.paths import place_of

FIELD = frozenset({"field", "Field", "attrib", "ib"})
"""What makes a field of a class."""
PARSER_MAKERS = frozenset({"ArgumentParser", "HfArgumentParser", "add_argument", "option", "Option"})
"""What makes a parser, or an argument of it."""
_CONFIG = re.compile(r"(?:.*_)?(?:config|cfg|conf|args|hparams|params|c|hps?)\d?", re.IGNORECASE)


_ALL_NAMES = frozenset(["globals", "locals", "vars", "exec", "eval", "__all__"])
"""What reads names that it does not write down."""


class Assignments:
    """Puts what statements set into the tree: those of the module as they come, those of functions when it is known
    what their parameters have."""

    def __init__(self, tree: Tree, scopes: Callable[[], Scopes]):
        self.tree = tree
        self._scopes = scopes
        self._moments = Moments(tree.program.nodes)
        self._in_functions: list[tuple[ast.stmt, bool]] = []
        self._aliases: dict[tuple[int | None, str], Path] = {}
        """Of each function, the names of parts of a config: `optim = config.optim`."""
        self._names: set[str] = set()
        """The names that the module itself sets."""

    def take(self, statement: ast.stmt, certain: bool, outside: bool) -> None:
        """One statement, of the module or of a function; ``certain`` is whether it runs whenever that does."""
        if outside:
            self._setting(statement, certain, outside)
        else:
            self._in_functions.append((statement, certain))

    def inside_functions(self) -> None:
        """What the statements of functions set."""
        for statement, certain in self._in_functions:
            self.tree.values.hidden = self._scopes().names(statement)
            self._setting(statement, certain, False)
        self.tree.values.hidden = {}

    def _at(self, path: Path) -> AnyNode | None:
        found: AnyNode | None = self.tree.root
        for part in path:
            pair = found.get(str(part)) if isinstance(found, MappingNode) else None
            found = None if pair is None else pair[1]
        return found

    def _setting(self, statement: ast.stmt, certain: bool, outside: bool) -> None:
        """What one statement sets: a name, a part of a config, or several of them (`config.update(lr=1)`)."""
        owner = None if outside else self._scopes().function(statement)
        start = (statement.lineno, statement.col_offset)
        moment = Moment(owner, certain, start, (statement.end_lineno or 0, statement.end_col_offset or 0))
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            self._assignment(statement, moment, outside)
        elif isinstance(statement, ast.AugAssign):
            if isinstance(statement.op, ast.BitOr) and (path := self._path(statement.target, owner)) is not None:
                self._update(path, statement.value, None, moment, outside)
            elif isinstance(statement.target, ast.Name) and outside:
                self._spoil(statement.target)
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            call = statement.value
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in UPDATES:
                return
            path = self._path(call.func.value, owner)
            if path is not None and call.func.attr == "update":
                self._update(path, call.args[0] if call.args else None, call, moment, outside)
            elif path is not None and len(call.args) == 2 and isinstance(call.args[0], ast.Constant):
                path = (*path, str(call.args[0].value))
                if self._at(path) is None and self._is_config(path):
                    self._put(path, call.args[0], self.tree.values.node(call.args[1]), moment, outside)

    def _path(self, target: ast.expr, owner: int | None) -> Path | None:
        path = _target(target)
        if path is None or (alias := self._aliases.get((owner, str(path[0])))) is None:
            return path
        return (*alias, *path[1:])

    def _update(self, path: Path, other: ast.expr | None, call: ast.Call | None, moment: Moment, outside: bool) -> None:
        """Lay what a config is updated with over it; where that is not known, none of its values is."""
        found = self._at(path)
        if not isinstance(found, MappingNode) or (
            not outside and path[0] in self.tree.values.hidden and not moment.owner
        ):
            return
        laid: list[tuple[ScalarNode, AnyNode]] = []
        known = other is None or (given := source(self.tree.values, other)) is not None
        if other is not None and known:
            assert given is not None
            laid += given.items
        known = known and (call is None or all(keyword.arg for keyword in call.keywords))
        if not known:
            found.items = [
                (key, uncertain(self.tree.document, node, "it is updated with others")) for key, node in found.items
            ]
            found._pairs = None
            return
        if call is not None:
            laid += self.tree.values.keywords(call).items
        for key, node in laid:
            self._put((*path, key.text), key, node, moment, outside)

    def _assignment(self, statement: ast.Assign | ast.AnnAssign, moment: Moment, outside: bool) -> None:
        value = statement.value
        if value is None:
            return
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if isinstance(value, ast.Name):  # two names of one thing: what the other one sets is not followed
            self.tree.values.mappings.pop(value.id, None)
        made = dictionary(self.tree.values, value)
        paths = [(target, path) for target in targets if (path := self._path(target, moment.owner)) is not None]
        part = next((path for _, path in paths if len(path) > 1 and made is not None), None) or _target(value)
        for target, path in paths:
            if isinstance(target, ast.Name) and part is not None and self._is_part(part, made is not None):
                self._aliases[moment.owner, target.id] = part
                continue
            if not outside and not (self._is_config(path) and (len(path) > 1 or made is not None)):
                continue
            if isinstance(value, ast.Call) and made is None and last(value.func) not in (*FIELD, "FieldReference"):
                if len(path) == 1 and outside:
                    self._spoil(target)
                if len(path) > 1 or not outside or last(value.func)[:1].isupper() or last(value.func) in PARSER_MAKERS:
                    continue  # its keywords stand under its own name
            self._put(path, target, made if made is not None else self.tree.values.node(value), moment, outside)

    def _is_part(self, path: Path, made: bool) -> bool:
        """Whether a path is of a part of a config that has keys of its own."""
        return len(path) > 1 and self._is_config(path) and (made or isinstance(self._at(path), MappingNode))

    def _is_config(self, path: Path) -> bool:
        return _CONFIG.fullmatch(str(path[0])) is not None

    def _spoil(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.tree.values.constants.pop(target.id, None)
            pair = self.tree.root.get(target.id)
            if pair is not None:
                self.tree.replace(
                    self.tree.root, target.id, uncertain(self.tree.document, pair[1], "it is changed further down")
                )

    def _put(self, path: Path, at: ast.expr | ScalarNode, node: AnyNode, moment: Moment, outside: bool) -> None:
        """Set a path; a value that is set to different things is known only where the last is sure to replace it."""
        if not moment.certain:
            node = uncertain(self.tree.document, node)
        elif outside and path[0] in self.tree.program.set_globals:
            node = uncertain(self.tree.document, node, "a function sets it, too")
        else:
            node = self._unless_changed(path, node, moment.owner)
        where = at if isinstance(at, ScalarNode) else self.tree.marks.lines.node(*self.tree.marks.span(at))
        parent = self.tree.root
        for name in path[:-1]:
            found = parent.get(str(name))
            if found is None or not isinstance(found[1], MappingNode):
                below = MappingNode(where.line, where.column, where.start, node.stop)
                self.tree.set(parent, self.tree.key(where, str(name)), below)
                parent = below
            else:
                parent = found[1]
                parent.stop = max(parent.stop, node.stop)
        name = str(path[-1])
        old = parent.get(name)
        if old is not None and self._same(old[1], node) is False:
            names = {str(path[0]), *(own for owner, own in self._aliases if owner == moment.owner)}
            if self._moments.replaces(path, moment, names):
                self.tree.document.replaced.setdefault(path, []).append(old[1])
            else:
                node = ComputedNode(node, name, Opaque(name, "it is set several times"))
        self._moments.note(path, moment)
        self.tree.set(parent, self.tree.key(where, name), node)
        if outside:
            self._names |= {name} if len(path) == 1 else set()
            self.tree.values.remember(".".join(map(str, path)), node)
            if len(path) == 1 and isinstance(node, MappingNode):
                self.tree.values.mappings[name] = node
            elif len(path) == 1:
                self.tree.values.mappings.pop(name, None)

    def _unless_changed(self, path: Path, node: AnyNode, owner: int | None) -> AnyNode:
        """A value as it is, where nothing that has it by another name changes it."""
        for changed in self.tree.program.changes.of(owner, str(path[0])):
            below = path[1:]
            if changed[: len(below)] == below and len(changed) > len(below):
                node = obscured(self.tree.document, node, changed[len(below) :])
            elif below[: len(changed)] == changed:
                node = obscured(self.tree.document, node, ())
        return node

    def leave_open_where_calls_pass_another(self) -> None:
        """Note the module's names that nothing reads; of these leave open what a call is given otherwise."""
        read, passed = set[str](), dict[str, int]()
        for node in self.tree.program.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                read.add(node.id)
            elif isinstance(node, ast.keyword) and node.arg is not None:
                passed.setdefault(node.arg, node.value.lineno)
        if not read & _ALL_NAMES:
            self.tree.document.unread = {(name,) for name in self._names - read}
        for name in (self._names & passed.keys()) - read:
            pair = self.tree.root.get(name)
            if pair is not None and isinstance(pair[1], ScalarNode):
                reason = f"the call at line {passed[name]} is given something else under its name"
                self.tree.replace(self.tree.root, name, uncertain(self.tree.document, pair[1], reason))

    def note_unused(self) -> None:
        """Note what dictionaries say that are only copied, where every copy says something else."""
        if not self.tree.values.copied:
            return
        read: dict[str, bool] = {}
        for node in self.tree.program.nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                read[node.id] = read.get(node.id, False) or id(node) not in self.tree.values.copied
        leaves = list(_leaves(self.tree.root, ()))
        passed_on = {
            self.tree.document.origin(node).start for _, node in leaves if self.tree.document.origin(node) is not node
        }
        self.tree.document.unused = {
            path for path, node in leaves if read.get(str(path[0])) is False and node.start not in passed_on
        }

    def _same(self, one: AnyNode, other: AnyNode) -> bool:
        first, second = self.tree.document.value(one), self.tree.document.value(other)
        return type(first) is type(second) and not isinstance(first, Opaque) and bool(first == second)


def uncertain(document: Document, node: AnyNode, reason: str = "it is set where that may not happen") -> AnyNode:
    """A value that may be another one when the program runs."""
    if not isinstance(node, ScalarNode):
        return ComputedNode(node, "a collection", Opaque("a collection", reason))
    value = document.value(node)
    if isinstance(value, Opaque):
        return node
    text = document.text[node.start : node.stop]
    return ComputedNode(node, text, Opaque(text, reason, value, has_default=True), origin=node)


def obscured(document: Document, node: AnyNode, path: Path) -> AnyNode:
    """A collection with the values at a path, and all below it, as ones that something else may change."""
    if not isinstance(node, MappingNode):
        return node if path else uncertain(document, node, "it is changed by another name")
    made = MappingNode(node.line, node.column, node.start, node.stop)
    for key, inner in node.items:
        hit = not path or key.text == str(path[0])
        made.add(key, obscured(document, inner, path[1:]) if hit else inner)
    return made


def _leaves(node: AnyNode, path: Path) -> Iterator[tuple[Path, AnyNode]]:
    if isinstance(node, MappingNode):
        for name, inner in node.children():
            yield from _leaves(inner, (*path, name))
    else:
        yield path, node


def _target(target: ast.expr) -> Path | None:
    """`config.optimizer.lr` and `config["lr"]` as a path; an object's own attributes belong to no config."""
    path = place_of(target)
    return None if path is None or path[0] == "self" or not all(isinstance(part, str) for part in path) else path
