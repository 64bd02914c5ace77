"""What only the source text says: the strings below assignments, and the errors that are raised with a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("stigmer", "reconciler", "manifests")
GENERATED = Path("stigmer/backend/v1")


@dataclass(frozen=True, slots=True)
class Constant:
    """A string that a module calls by a name, with the text below it."""

    module: str
    name: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Raised:
    """A place where an error is made with a reason. `message` has {NAME} for what is put in; empty when it is not
    written there."""

    error: str
    reason: str
    message: str


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the program but the generated ones, by its path from the root."""
    paths = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {
        path.as_posix(): ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for path in paths
        if GENERATED not in path.parents
    }


def member_texts(path: str, name: str) -> dict[str, str]:
    """The members of a class with the texts below them; empty for one that has none."""
    found = next(node for node in modules()[path].body if isinstance(node, ast.ClassDef) and node.name == name)
    return {target: text for target, _, text in _assignments(found.body)}


def module_text(path: str) -> str:
    return ast.get_docstring(modules()[path]) or ""


def constants(suffix: str) -> Iterator[Constant]:
    """The string constants of all modules whose names end so."""
    for path, module in modules().items():
        for name, value, text in _assignments(module.body):
            if name.endswith(suffix) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield Constant(path, name, value.value, text)


def raised(errors: Sequence[str]) -> Iterator[Raised]:
    """Every call of one of these classes with a reason, and of a function that hands its `reason` on."""
    for module in modules().values():
        known = {name: value.value for name, value, _ in _assignments(module.body) if isinstance(value, ast.Constant)}
        calls = [node for node in ast.walk(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        takers = {
            node.name: [each.arg for each in node.args.args]
            for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef) and "reason" in [each.arg for each in node.args.args]
        }
        for call in calls:
            assert isinstance(call.func, ast.Name)
            name = call.func.id
            if name not in errors and name not in takers:
                continue
            given = dict(zip(takers.get(name, ["message"]), call.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            reason = _constant(given.get("reason"), known)
            if reason:
                error = name if name in errors else _made_by(module, name, errors)
                yield Raised(error, reason, _message(given.get("message")))


def _made_by(module: ast.Module, function: str, errors: Sequence[str]) -> str:
    """The error that a function makes."""
    body = next(node for node in ast.walk(module) if isinstance(node, ast.FunctionDef) and node.name == function)
    names = [node.func.id for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return next((name for name in names if name in errors), "")


def _assignments(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr, str]]:
    for statement, after in pairwise([*body, ast.Pass()]):
        target = _target(statement)
        if target is not None and isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            yield target, statement.value, _text(after)


def _target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return None


def _text(statement: ast.stmt) -> str:
    """A string that stands alone, on one line."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return " ".join(value.value.split()) if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _constant(node: ast.expr | None, known: dict[str, object]) -> str:
    value = known.get(node.id) if isinstance(node, ast.Name) else getattr(node, "value", None)
    return value if isinstance(value, str) else ""


def _message(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(value) for value in node.values)
    return ""


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "...")
    return f"{{{name.strip('_').lower()}}}"
