"""The kinds of faults: what may be wrong at a node of the tree, as replacements of text. Each is a slip that somebody could make.

A kind yields its name, the first byte, the byte behind the last, and what stands there instead.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from tools.mutants.source import Source

Change = tuple[str, int, int, str]
Function = ast.FunctionDef | ast.AsyncFunctionDef | None
Kind = Callable[[Source, Any, Function], Iterator[Change]]

_FLIPPED: Final[Mapping[type[ast.cmpop], tuple[str, str]]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
_COMPUTED: Final[Mapping[type[ast.operator], tuple[str, str]]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
}
_OPPOSITE: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,40}")
_ROUND: Final = 100
_SQL: Final = (
    (r"<=", "<"),
    (r">=", ">"),
    (r"(?<![<>!])=", "<>"),
    (r"(?<![<>])<(?![=>])", "<="),
    (r"(?<![<>])>(?!=)", ">="),
    (r" AND ", " OR "),
    (r" DESC\b", ""),
    (r" NOT NULL\b", " NULL"),
    (r"\?1\b", "?2"),
    (r"\?2\b", "?1"),
)
_NOTHING: Final = {
    "bool": ("False", "True"),
    "int": ("0",),
    "str": ('""',),
    "bytes": ('b""',),
    "list": ("[]",),
    "tuple": ("()",),
    "Sequence": ("()",),
    "dict": ("{}",),
    "Mapping": ("{}",),
    "set": ("set()",),
    "frozenset": ("frozenset()",),
}


def comparison(source: Source, node: ast.Compare, _: Function) -> Iterator[Change]:
    """Another relation, its bound among them."""
    for left, operator, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
        yield from _exchanged(source, left, right, *_FLIPPED[type(operator)], "comparison")


def computed(source: Source, node: ast.BinOp, _: Function) -> Iterator[Change]:
    """Another operation on numbers or sets."""
    if type(node.op) in _COMPUTED and not any(_is_text(side) for side in (node.left, node.right)):
        yield from _exchanged(source, node.left, node.right, *_COMPUTED[type(node.op)], "operation")


def joined(source: Source, node: ast.BoolOp, _: Function) -> Iterator[Change]:
    """`and` for `or`, or one condition forgotten."""
    words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in pairwise(node.values):
        yield from _exchanged(source, left, right, *words, "and, or")
    yield "condition forgotten", source.span(node.values[0])[0], source.span(node.values[1])[0], ""
    yield "condition forgotten", source.span(node.values[-2])[1], source.span(node.values[-1])[1], ""


def signed(source: Source, node: ast.UnaryOp, _: Function) -> Iterator[Change]:
    """`not` or the sign forgotten."""
    if isinstance(node.op, ast.Not | ast.USub):
        name = "not forgotten" if isinstance(node.op, ast.Not) else "sign"
        yield name, source.span(node)[0], source.span(node.operand)[0], ""


def constant(source: Source, node: ast.Constant, _: Function) -> Iterator[Change]:
    """Another number, truth or code."""
    start, end = source.span(node)
    if isinstance(node.value, bool):
        yield "truth", start, end, str(not node.value)
    elif isinstance(node.value, int):
        # One more of a large limit is no slip that anybody makes.
        yield "number", start, end, str(node.value + 1 if node.value <= _ROUND else node.value // 2)
    elif (
        isinstance(node.value, str)
        and _CODE.fullmatch(node.value)
        and source.text[start:end] == f'"{node.value}"'.encode()
    ):
        yield "code", start, end, f'"{node.value}_"'


def statement(source: Source, node: ast.Expr, _: Function) -> Iterator[Change]:
    """A call forgotten."""
    if isinstance(node.value, ast.Call | ast.Await):
        yield "call forgotten", *source.span(node), "pass"


def assigned(source: Source, node: ast.Assign | ast.AugAssign, function: Function) -> Iterator[Change]:
    """A change of what stood there forgotten, or added the other way round. Nothing of an object runs without what its
    constructor sets.
    """
    if function is not None and function.name == "__init__":
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if isinstance(node, ast.AugAssign) or all(isinstance(each, ast.Attribute | ast.Subscript) for each in targets):
        yield "assignment forgotten", *source.span(node), "pass"
    if isinstance(node, ast.AugAssign) and type(node.op) in _COMPUTED and not _is_text(node.value):
        yield from _exchanged(source, node.target, node.value, *_COMPUTED[type(node.op)], "operation")


def raised(source: Source, node: ast.Raise, _: Function) -> Iterator[Change]:
    """A refusal forgotten."""
    yield "refusal forgotten", *source.span(node), "pass"


def returned(source: Source, node: ast.Return, function: Function) -> Iterator[Change]:
    """Nothing returned, of the type that is promised; another type than that is no slip that mypy lets pass."""
    if node.value is None or function is None or function.returns is None:
        return
    promised = re.split(r"[\[ ]", source.of(function.returns))[0]
    optional = isinstance(function.returns, ast.BinOp) and source.of(function.returns).endswith("| None")
    for text in ("None",) if optional else _NOTHING.get(promised, ()):
        yield "nothing returned", *source.span(node.value), text


def called(source: Source, node: ast.Call, _: Function) -> Iterator[Change]:
    """An argument by name forgotten, two of a like form exchanged, the opposite function, another relation in SQL."""
    for keyword in node.keywords:
        if keyword.arg is not None:
            start, end = source.span(keyword)
            tail = re.match(rb"\s*,[ ]*", source.text[end:])
            yield "argument forgotten", start, end + (tail.end() if tail else 0), ""
            if keyword.arg.endswith(("_fen", "amount")) and not _is_text(keyword.value):
                yield "sign", *source.span(keyword.value), f"-({source.of(keyword.value)})"
    yield from _swapped(source, [each.value for each in node.keywords if each.arg is not None])
    yield from _swapped(source, [each for each in node.args if not isinstance(each, ast.Call)])
    if isinstance(node.func, ast.Name) and node.func.id in _OPPOSITE:
        yield "opposite", *source.span(node.func), _OPPOSITE[node.func.id]
    if isinstance(node.func, ast.Name) and node.func.id == "sql":
        yield from _sql(source, node)


def chosen(source: Source, node: ast.IfExp, _: Function) -> Iterator[Change]:
    """One branch only."""
    for branch in (node.body, node.orelse):
        yield "one branch", *source.span(node), f"({source.of(branch)})"


def condition(source: Source, node: ast.If, _: Function) -> Iterator[Change]:
    """The other way round, or always."""
    yield "condition turned", *source.span(node.test), f"not ({source.of(node.test)})"
    yield "condition always", *source.span(node.test), "True"


def filtered(source: Source, node: ast.comprehension, _: Function) -> Iterator[Change]:
    """A filter forgotten."""
    for each in node.ifs:
        yield "filter forgotten", *source.span(each), "True"


def collection(source: Source, node: Any, _: Function) -> Iterator[Change]:
    """An empty collection."""
    start, end = source.span(node)
    if isinstance(node, ast.ListComp) or (isinstance(node, ast.List) and node.elts and isinstance(node.ctx, ast.Load)):
        yield "empty", start, end, "[]"
    elif isinstance(node, ast.DictComp) or (isinstance(node, ast.Dict) and node.keys):
        yield "empty", start, end, "{}"
    elif isinstance(node, ast.Set | ast.SetComp):
        yield "empty", start, end, "set()"


def ended(source: Source, node: ast.Break | ast.Continue, _: Function) -> Iterator[Change]:
    """A loop that ends, or does not."""
    yield "loop", *source.span(node), "continue" if isinstance(node, ast.Break) else "break"


KINDS: Final[Mapping[type[ast.AST], Kind]] = {
    ast.Compare: comparison,
    ast.BinOp: computed,
    ast.BoolOp: joined,
    ast.UnaryOp: signed,
    ast.Constant: constant,
    ast.Expr: statement,
    ast.Assign: assigned,
    ast.AugAssign: assigned,
    ast.Raise: raised,
    ast.Return: returned,
    ast.Call: called,
    ast.IfExp: chosen,
    ast.If: condition,
    ast.comprehension: filtered,
    ast.List: collection,
    ast.ListComp: collection,
    ast.Dict: collection,
    ast.DictComp: collection,
    ast.Set: collection,
    ast.SetComp: collection,
    ast.Break: ended,
    ast.Continue: ended,
}


def _exchanged(source: Source, left: ast.AST, right: ast.AST, word: str, other: str, name: str) -> Iterator[Change]:
    start, end = source.between(left, right)
    place = source.text[start:end].find(word.encode())
    if place >= 0:
        yield name, start + place, start + place + len(word), other


def _swapped(source: Source, values: list[ast.expr]) -> Iterator[Change]:
    """Neighbours of a like form exchanged: two names, two attributes, two calls."""
    for left, right in pairwise(values):
        if type(left) is type(right) and isinstance(left, ast.Name | ast.Attribute | ast.Call):
            between = source.text[slice(*source.between(left, right))].decode()
            text = f"{source.of(right)}{between}{source.of(left)}"
            yield "exchanged", source.span(left)[0], source.span(right)[1], text


def _sql(source: Source, node: ast.Call) -> Iterator[Change]:
    for part in ast.walk(node):
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            continue
        start, end = source.span(part)
        text = source.text[start:end]
        for pattern, other in _SQL:
            for found in re.finditer(pattern.encode(), text):
                yield "SQL", start + found.start(), start + found.end(), other


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
