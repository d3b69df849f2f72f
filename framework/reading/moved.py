"""Parts of a document that are files of their own: a block of a text, a config that a script writes."""

from __future__ import annotations

from framework.reading.marks import LazyLines, SpanMapping, SpanScalar, SpanSequence
from framework.reading.nodes import AnyNode, ComputedNode, Document, MappingNode, Node, SequenceNode


class Moved:
    """Nodes of a part at their places in the document; ``offsets`` are those of each character of the part."""

    def __init__(self, parsed: Document, offsets: list[int], lines: LazyLines):
        self.parsed = parsed
        self.offsets = offsets
        self.lines = lines

    def span(self, node: Node) -> tuple[int, int]:
        """Where a node stands in the document."""
        last = len(self.offsets) - 1
        if last < 0:
            return 0, 0
        start = self.offsets[min(node.start, last)]
        if node.stop <= node.start:
            return start, start
        return start, self.offsets[min(node.stop - 1, last)] + 1

    def node(self, node: AnyNode, depth: int = 0) -> AnyNode:
        """The node's copy."""
        start, stop = self.span(node)
        if isinstance(node, MappingNode):
            mapping = SpanMapping(self.lines, start)
            mapping.stop = stop
            for key, value in node.pairs().values():
                begin, end = self.span(key)
                mapping.add(SpanScalar(self.lines, begin, end, key.text, True), self.node(value, depth + 1))
            return mapping
        if isinstance(node, SequenceNode):
            sequence = SpanSequence(self.lines, start)
            sequence.stop = stop
            sequence.items = [self.node(item, depth + 1) for item in node.items]
            return sequence
        at = SpanScalar(self.lines, start, stop, node.text, False)
        origin = None
        if isinstance(node, ComputedNode) and node.origin is not None and depth < 200:
            origin = self.node(node.origin, depth + 100)
        return ComputedNode(at, node.text, self.parsed.value(node), origin=origin, literal=self.parsed.editable(node))
