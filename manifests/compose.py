"""Text of one document -> yaml nodes, without letting the text hurt the process.

The C parser recurses on its own stack and is killed by deep nesting, so the depth is held *while* nodes are composed:
the composer calls `descend_resolver` before and `ascend_resolver` after every node, and these two are the guards. A
text that provably cannot nest deeply (`is_shallow`) has only its nodes counted, which costs nothing; any other one is
counted exactly and stopped at the limit. Tags are not resolved here: a node's `tag` is None unless one was written.
"""

from __future__ import annotations

import operator
from importlib import import_module
from itertools import repeat
from typing import Any

import yaml

from manifests.limits import Limits

SHALLOW_BRACKETS = 64
SHALLOW_RUN = 64
"""What `is_shallow` lets pass: at most 259 levels, for which the C stack needs about 100 kB. It overflows at 20,000
levels on the usual 8 MB."""

_RUN_BYTES = bytes.maketrans(b"\t?:-", b"    ")


class LimitError(Exception):
    """A document exceeds a limit at `mark` (a yaml mark), or makes its file exceed one."""

    def __init__(self, message: str, mark: Any, code: str, *, is_of_file: bool = False) -> None:
        super().__init__(message)
        self.mark = mark
        self.code = code
        self.is_of_file = is_of_file


class _Untyped:
    """The resolver's part of a loader: no text means anything yet."""

    def resolve(self, _kind: Any, _value: Any, _implicit: Any) -> None:
        return None


class _PythonParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser, yaml.composer.Composer):
    """PyYAML's own parser: the same nodes and errors, forty times slower."""

    def __init__(self, stream: bytes) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        yaml.composer.Composer.__init__(self)


def _loader_classes() -> tuple[type[Any], bool]:
    try:
        cyaml: Any = import_module("yaml.cyaml")
    except ImportError:  # PyYAML was built without libyaml
        return type("Loader", (_Untyped, _PythonParser), {}), False
    return type("Loader", (_Untyped, cyaml.CParser), {}), True


_Loader, HAS_LIBYAML = _loader_classes()


def is_shallow(text: bytes, brackets: int = SHALLOW_BRACKETS, run: int = SHALLOW_RUN) -> bool:
    """Whether the text cannot nest deeper than `shallow_depth` whatever it means: a test of 2 us per 1.4 kB."""
    if text.count(b"[") + text.count(b"{") > brackets:
        return False
    return b" " * (run + 1) not in text.translate(_RUN_BYTES)


def shallow_depth(brackets: int = SHALLOW_BRACKETS, run: int = SHALLOW_RUN) -> int:
    """The most levels of nodes that a text with so many brackets and so long runs of indentation can have.

    Each `[` or `{` opens at most two collections (`[a: b]` is a mapping in a list). A block collection starts in a
    column that only indentation and the indicators `- ? :` precede on its line, so the columns of the open ones differ
    and stay within the longest such run; a list may share its parent's. Within all of them stands a scalar.
    """
    return 2 * brackets + 2 * (run + 1) + 1


def compose(text: bytes, limits: Limits, nodes_left: int) -> tuple[Any, int]:
    """The root node (None for a text without content) and the number of nodes, at most `nodes_left` and the limit.

    Raises yaml.YAMLError where the text is not YAML, and LimitError.
    """
    most = min(limits.nodes, nodes_left)
    if is_shallow(text):
        left = repeat(None, most)
        loader = _Loader(text)
        loader.descend_resolver = operator.is_  # any builtin that takes two arguments and does nothing
        loader.ascend_resolver = left.__next__
        try:
            return loader.get_single_node(), most - operator.length_hint(left)
        except StopIteration:  # the exact pass finds out where
            pass
    return _compose_exactly(text, limits, most)


def is_tagged(node: Any) -> bool:
    """Whether a tag is written at the node."""
    return node.tag is not None


def compose_again(text: bytes) -> yaml.Node | None:
    """The root node of a text that was composed, or read as JSON, within the limits before."""
    loader = _Loader(text)
    loader.descend_resolver = operator.is_
    loader.ascend_resolver = bool
    node: yaml.Node | None = loader.get_single_node()
    return node


def _compose_exactly(text: bytes, limits: Limits, most: int) -> tuple[Any, int]:
    depth = count = 0
    deepest = limits.depth + 1  # a scalar may stand within the deepest collection
    around: yaml.Node | None = None

    def descend(parent: yaml.Node | None, _index: object) -> None:
        nonlocal depth, around
        depth += 1
        around = parent
        if depth > deepest:
            raise LimitError(f"more than {limits.depth} levels of nesting", _mark(parent), "too-deep")

    def ascend() -> None:
        nonlocal depth, count
        depth -= 1
        count += 1
        if count > most:
            is_of_file = most < limits.nodes
            message = f"the {'file' if is_of_file else 'document'} has more keys and values than allowed"
            raise LimitError(message, _mark(around), "too-many-nodes", is_of_file=is_of_file)

    loader = _Loader(text)
    loader.descend_resolver = descend
    loader.ascend_resolver = ascend
    return loader.get_single_node(), count


def _mark(node: yaml.Node | None) -> Any:
    return node.start_mark if node is not None else None
