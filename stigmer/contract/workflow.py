"""What a workflow says beyond its fields: expressions of the graph style, names and flow of the DSL style.

Graph expressions are `${workflow.inputs.X}`, `${tasks.NAME.outputs.FIELD}`, `${tasks.NAME.outputs}` (also the singular
`output`) and `${secrets.NAME}`; task names may contain hyphens, so these are not jq. The DSL's own expressions are jq
and are not read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.path import item_suffix
from stigmer.contract.bodies import free_form_value
from stigmer.contract.cycles import find_name_cycles
from stigmer.contract.paths import join
from stigmer.contract.suggest import did_you_mean
from stigmer.errors import Violation

_EXPRESSION = re.compile(r"\$\{([^{}]*)\}")
_INPUT = re.compile(r"workflow\.inputs\.([A-Za-z_][A-Za-z0-9_-]*)(?:[.\[].*)?").fullmatch
_OUTPUT = re.compile(r"tasks\.([A-Za-z_][A-Za-z0-9_-]*)\.outputs?(?:[.\[].*)?").fullmatch
_SECRET = re.compile(r"secrets\.([A-Za-z_][A-Za-z0-9_]*)").fullmatch

FLOW_DIRECTIVES = frozenset({"continue", "exit", "end"})
"""Values of `then` that are not names of tasks."""

CALLS = frozenset({"http", "grpc", "agent", "mcp"})
"""Calls that need no definition in use.functions."""


def check_workflow(message: Any) -> list[Violation]:
    """Violations of a Workflow message, in the order of its fields."""
    spec = message.spec
    return [*_graph(spec), *_dsl_list(list(spec.do), "spec.do", _functions(spec))]


def _graph(spec: Any) -> Iterator[Violation]:
    names = {task.name for task in spec.tasks}
    declared = {task.name: [name for name in task.depends_on if name in names] for task in spec.tasks}
    used: dict[str, list[str]] = {name: list(others) for name, others in declared.items()}
    for task in spec.tasks:
        path = f"spec.tasks{item_suffix('name', task.name)}.inputs"
        for at, text in _texts(task.inputs, path):
            for expression in _EXPRESSION.findall(text):
                problem = _expression(expression.strip(), names, spec, used[task.name])
                if problem:
                    yield Violation(at, problem)
    if find_name_cycles(declared):
        return
    for cycle in find_name_cycles(used):
        at_each = tuple(f"spec.tasks{item_suffix('name', name)}.inputs" for name in cycle)
        yield Violation(at_each[0], f"cycle: {' -> '.join([*cycle, cycle[0]])}", related=at_each)


def _texts(values: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string inside a map of free-form values, with its path."""
    pending = [(join(path, key), free_form_value(values[key])) for key in sorted(values)]
    while pending:
        at, value = pending.pop(0)
        if isinstance(value, str):
            yield at, value
        elif isinstance(value, dict):
            pending += [(join(at, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [(f"{at}[{index}]", item) for index, item in enumerate(value)]


def _expression(text: str, tasks: set[str], spec: Any, used: list[str]) -> str:
    """The problem with one expression, or ""; a task it names is added to `used`."""
    if match := _INPUT(text):
        return "" if match[1] in spec.inputs else _unknown("workflow input", match[1], spec.inputs)
    if match := _OUTPUT(text):
        if match[1] not in tasks:
            return _unknown("task", match[1], tasks)
        used.append(match[1])
        return ""
    if _SECRET(text):
        return ""
    return (
        f"${{{text}}} is not an expression of this style: use ${{workflow.inputs.NAME}}, "
        "${tasks.NAME.outputs.FIELD} or ${secrets.NAME}"
    )


def _unknown(what: str, name: str, known: Any) -> str:
    hint = did_you_mean(name, known)
    return f'there is no {what} "{name}"' + (f"; {hint}" if hint else "")


def _functions(spec: Any) -> frozenset[str]:
    use = spec.use.fields
    return frozenset(use["functions"].struct_value.fields) if "functions" in use else frozenset()


def _dsl_list(entries: list[Any], path: str, functions: frozenset[str]) -> Iterator[Violation]:
    names = [entry.name for entry in entries]
    for index, entry in enumerate(entries):
        at = join(f"{path}[{index}]", entry.name)
        if entry.name in names[:index]:
            yield Violation(at, f'the task name "{entry.name}" is used twice in this list')
        yield from _dsl_task(entry.task, at, frozenset(names), functions)


def _dsl_task(task: Any, path: str, siblings: frozenset[str], functions: frozenset[str]) -> Iterator[Violation]:
    yield from _then(task.then, f"{path}.then", siblings)
    for index, entry in enumerate(task.switch):
        yield from _then(entry.case.then, f"{join(f'{path}.switch[{index}]', entry.name)}.then", siblings)
    if task.call and task.call not in CALLS | functions:
        known = sorted(CALLS | functions)
        hint = did_you_mean(task.call, known) or f"known: {', '.join(known)}"
        yield Violation(f"{path}.call", f'there is no function "{task.call}"; {hint}')
    yield from _dsl_list(list(task.do), f"{path}.do", functions)
    yield from _dsl_list(list(getattr(task, "try")), f"{path}.try", functions)
    yield from _dsl_list(list(task.fork.branches), f"{path}.fork.branches", functions)
    yield from _dsl_list(list(task.catch.do), f"{path}.catch.do", functions)


def _then(target: str, path: str, siblings: frozenset[str]) -> Iterator[Violation]:
    if target and target not in FLOW_DIRECTIVES | siblings:
        hint = did_you_mean(target, FLOW_DIRECTIVES | siblings)
        yield Violation(path, f'there is no task "{target}" in this list' + (f"; {hint}" if hint else ""))
