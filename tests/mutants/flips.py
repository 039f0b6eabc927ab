"""What can be wrong in a rule: every way to flip one expression of a module."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
"""Limits by one, subsets the other way round, and plain opposites."""

OPERATIONS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
NAMES = {
    "any": "all",
    "all": "any",
    "min": "max",
    "max": "min",
    "EVERY_STEP": "AT_END",
    "AT_END": "EVERY_STEP",
    "isdisjoint": "issubset",
    "issubset": "issuperset",
    "issuperset": "issubset",
}
MOST_CHARACTERS = 80
NO_VERDICT = frozenset({"annotation", "returns", "decorator_list"})
"""Parts of the syntax that decide nothing."""


Part = ast.expr | ast.stmt
"""What can be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One wrong module: `place` is the function, method or constant that differs, in it and in words."""

    place: str
    line: int
    words: str
    code: CodeType


def flips(path: Path) -> Iterator[Flip]:
    """Every wrong version of one module, each with one expression flipped; a change made again is numbered."""
    tree, seen = ast.parse(path.read_text()), Counter[tuple[str, str]]()
    for place, owner in _places(tree):
        returns = ast.unparse(owner.returns) if isinstance(owner, ast.FunctionDef) and owner.returns else ""
        for node, wrong in [pair for each in _nodes(owner) for pair in _wrong(each, returns)]:
            words = f"{_short(node)} → {_short(wrong)}"
            seen[place, words] += 1
            again = f" ({seen[place, words]})" if seen[place, words] > 1 else ""
            yield Flip(place=place, line=node.lineno, words=words + again, code=_compiled(tree, node, wrong, path))


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """Functions, methods and constants, with their dotted names; defaults of fields are none."""
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            for part in statement.body:
                if name := _name(part):
                    yield f"{statement.name}.{name}", part
        elif name := _name(statement):
            yield name, statement


def _name(statement: ast.stmt) -> str | None:
    """What a statement defines; None for an import, a docstring, or a field of a value."""
    if isinstance(statement, ast.FunctionDef):
        return statement.name
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    if isinstance(statement, ast.AnnAssign) and statement.value and "ClassVar" in ast.unparse(statement.annotation):
        return ast.unparse(statement.target)
    return None


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below *node* that decides something; words for people do not."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and field not in NO_VERDICT and not isinstance(child, ast.JoinedStr):
                yield child
                yield from _nodes(child)


def _wrong(node: ast.AST, returns: str) -> Iterator[tuple[Part, Part]]:
    """What to put in the place of *node*, or of a condition in it, one at a time."""
    if isinstance(node, ast.Return):
        yield from ((node, wrong) for wrong in _returns(node, returns))
    elif isinstance(node, (ast.If, ast.IfExp)):
        yield from _negated([node.test])
    elif isinstance(node, ast.comprehension):
        yield from _negated(node.ifs)
    elif isinstance(node, ast.expr):
        yield from ((node, wrong) for wrong in (*_operations(node), *_atoms(node)))


def _operations(node: ast.expr) -> Iterator[ast.expr]:
    """Another operator, or its operands the other way round."""
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            yield ast.BinOp(right, ast.Sub(), left)
        case ast.BinOp(op=operator, left=left, right=right) if type(operator) in OPERATIONS:
            yield ast.BinOp(left, OPERATIONS[type(operator)](), right)


def _atoms(node: ast.expr) -> Iterator[ast.expr]:
    """A boolean the other way round, a number by one, a name that means the opposite."""
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield ast.Name(NAMES[name], ast.Load())
        case ast.Attribute(value=owner, attr=name, ctx=ast.Load()) if name in NAMES:
            yield ast.Attribute(owner, NAMES[name], ast.Load())


def _comparisons(node: ast.Compare) -> Iterator[ast.Compare]:
    """The same with one of its operators replaced."""
    for place, operator in enumerate(node.ops):
        for wrong in COMPARISONS[type(operator)]:
            yield ast.Compare(node.left, [*node.ops[:place], wrong(), *node.ops[place + 1 :]], node.comparators)


def _returns(node: ast.Return, returns: str) -> Iterator[ast.Return]:
    """Nothing instead of an answer."""
    nothing = {"None": ast.Constant(None), "tuple": ast.Tuple([], ast.Load())}
    kind = "tuple" if returns.startswith("tuple[") else returns.rpartition(" | ")[2]
    if kind in nothing and node.value and ast.unparse(node.value) != ast.unparse(nothing[kind]):
        yield ast.Return(nothing[kind])


def _negated(conditions: list[ast.expr]) -> Iterator[tuple[Part, Part]]:
    """Conditions that are neither a comparison nor negated nor composed: those are flipped as such."""
    for condition in conditions:
        if not isinstance(condition, (ast.Compare, ast.UnaryOp, ast.BoolOp)):
            yield condition, ast.UnaryOp(ast.Not(), condition)


def _short(node: ast.AST) -> str:
    """The code of *node*, its middle left out where it is long."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS // 2]} … {text[-MOST_CHARACTERS // 3 :]}"


class _Put(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, wrong: ast.AST, old: ast.AST) -> None:
        self.wrong, self.old = wrong, old

    def visit(self, node: ast.AST) -> ast.AST:
        """The wrong node for the old one, all others as they are."""
        return self.wrong if node is self.old else self.generic_visit(node)


def _compiled(tree: ast.Module, node: ast.AST, wrong: ast.AST, path: Path) -> CodeType:
    """The module with *wrong* in the place of *node*; *tree* is left as it was."""
    ast.copy_location(wrong, node)
    _Put(wrong, node).visit(tree)
    code: CodeType = compile(ast.fix_missing_locations(tree), path, "exec")
    _Put(node, wrong).visit(tree)
    return code
