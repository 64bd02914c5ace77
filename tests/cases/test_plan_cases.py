"""Plans, case by case: `plan/<a sentence>/{desired,observed}.yaml` and what `plan` makes of them in `plan.txt`.

desired.yaml    resources: a list of {resource: Kind/slug, line, references: {path: Kind/slug}, metadata, spec};
                policy: {allow_replace, force_conflicts, keep_going, delete: true}
observed.yaml   resources: a list of {resource, claims: {manager: [paths] or all}, metadata, spec}

To add a case, write the two files and run `UPDATE_PLAN_CASES=1 pytest tests/cases`; then read the plan.txt it wrote
and see that it is true. Covers `plan` with the merge, guards and order below it; observation and applying are tested
elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import (
    Change,
    Desired,
    DriftPolicy,
    FieldChange,
    ListType,
    Node,
    Observed,
    Origin,
    Plan,
    Policy,
    Reference,
    ResourceKey,
    Snapshot,
    leaf_paths,
    plan,
)

CASES = sorted(path for path in (Path(__file__).parent / "plan").iterdir() if path.is_dir())
MANAGER = "stigmer"
SCALAR = Node("scalar")


def set_of_words() -> Node:
    return Node("list", item=SCALAR, list_type=ListType.SET)


def keyed_list(**fields: Node) -> Node:
    return Node("list", item=Node("object", fields={"name": SCALAR, **fields}), list_type=ListType.MAP, key="name")


def kind(**spec: Node) -> Node:
    metadata = {
        "name": SCALAR,
        "labels": Node("map", item=SCALAR),
        "annotations": Node("map", item=SCALAR),
        "tags": set_of_words(),
        "protect": SCALAR,
    }
    described = Node("object", fields={"description": SCALAR, **spec}, drift=DriftPolicy.STRICT)
    return Node(
        "object", fields={"metadata": Node("object", fields=metadata, drift=DriftPolicy.MERGE), "spec": described}
    )


SCHEMAS = {
    "Environment": kind(
        data=Node("map", item=Node("object", fields={"value": Node("scalar", secret=True), "description": SCALAR}))
    ),
    "McpServer": kind(
        enabledTools=set_of_words(),
        stdio=Node("object", fields={"command": SCALAR, "args": Node("list", item=SCALAR)}, immutable_presence=True),
        http=Node("object", fields={"url": SCALAR, "headers": Node("map", item=SCALAR)}, immutable_presence=True),
    ),
    "Agent": kind(
        instructions=SCALAR,
        mcpServers=set_of_words(),
        subAgents=keyed_list(instructions=SCALAR, skills=set_of_words()),
        config=Node("any"),
        runtime=Node("map", item=SCALAR, drift=DriftPolicy.IGNORE),
    ),
    "Workflow": kind(tasks=keyed_list(agent=SCALAR, dependsOn=set_of_words())),
    "AgentInstance": kind(agent=Node("scalar", immutable=True), environments=Node("list", item=SCALAR)),
}
RANKS = {"Environment": 0, "McpServer": 0, "Agent": 1, "Workflow": 2, "AgentInstance": 3}


def key_of(text: str) -> ResourceKey:
    return ResourceKey.parse(text if text.count("/") == 2 else f"local/{text}")


def body_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {part: entry[part] for part in ("metadata", "spec") if part in entry}


def digest_of(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True).encode()


def read_desired(entry: Mapping[str, Any]) -> Desired:
    body = body_of(entry)
    origin = Origin("desired.yaml", entry["line"]) if "line" in entry else None
    references = tuple(Reference(path, key_of(target)) for path, target in entry.get("references", {}).items())
    return Desired(key_of(entry["resource"]), digest_of(body), lambda: body, origin, references)


def read_observed(entry: Mapping[str, Any]) -> Observed:
    key, body = key_of(entry["resource"]), body_of(entry)
    everything = leaf_paths(SCHEMAS[key.kind], body)
    claims = {
        manager: everything if paths == "all" else frozenset(paths)
        for manager, paths in entry.get("claims", {}).items()
    }
    protect = bool(body.get("metadata", {}).get("protect"))
    return Observed(key, f"id-{key.slug}", "etag", 3, 1, digest_of(body), "", protect, body, claims)


def plan_case(case: Path) -> Plan:
    desired = yaml.safe_load((case / "desired.yaml").read_text())
    observed = yaml.safe_load((case / "observed.yaml").read_text())
    wanted = [read_desired(entry) for entry in desired.get("resources", [])]
    seen = [read_observed(entry) for entry in observed.get("resources", [])]
    return plan(
        {one.key: one for one in wanted},
        Snapshot(12, {one.key: one for one in seen}),
        SCHEMAS.__getitem__,
        RANKS.__getitem__,
        Policy(**desired.get("policy", {})),
        MANAGER,
    )


def render(planned: Plan) -> Iterator[str]:
    for change in planned.changes:
        yield from render_change(change)
    for key in planned.unchanged:
        yield f"= {key}"
    yield f"{planned.summary()}; {'can' if planned.can_apply else 'cannot'} be applied"


def render_change(change: Change) -> Iterator[str]:
    yield f"{change.action.symbol} {change.action} {change.key}: {change.cause}"
    if change.refusal:
        flag = f" [{change.refusal.flag}]" if change.refusal.flag else ""
        yield f"    refused as {change.refusal.reason}: {change.refusal.message}{flag}"
    for field in change.fields:
        yield f"    {render_field(field)}"
    if change.body is not None:
        yield "    becomes"
        text = yaml.safe_dump(change.body, sort_keys=False, allow_unicode=True)
        yield from (f"        {line}" for line in text.splitlines())
    before = change.observed.claims.get(MANAGER, frozenset()) if change.observed else frozenset()
    yield from (f"    claims {path}" for path in sorted(change.claims - before))
    yield from (f"    releases {path}" for path in sorted(before - change.claims))


def render_field(field: FieldChange) -> str:
    before, after = (json.dumps(value, ensure_ascii=False) for value in (field.before, field.after))
    text = {
        "add": f"+ {field.path}: {after}",
        "remove": f"- {field.path}: {before}",
        "replace": f"~ {field.path}: {before} -> {after}",
    }[field.op]
    return f"{text} ({field.cause}){' immutable' if field.immutable else ''}"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_plan_is_as_written(case: Path) -> None:
    text = "\n".join(render(plan_case(case))) + "\n"
    written = case / "plan.txt"
    if os.environ.get("UPDATE_PLAN_CASES"):
        written.write_text(text)
    assert text == written.read_text()


def test_every_directory_is_a_whole_case() -> None:
    assert len(CASES) >= 25
    for case in CASES:
        assert {path.name for path in case.iterdir()} == {"desired.yaml", "observed.yaml", "plan.txt"}
