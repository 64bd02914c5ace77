"""What is read from the descriptors: kinds, methods, references, schemas, and rules across fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.schema import DriftPolicy, ListType
from stigmer.contract import Contract
from stigmer.contract.claims import pack, unpack
from stigmer.contract.cycles import find_name_cycles
from stigmer.contract.slug import is_slug, slugify
from stigmer.errors import DataLoss, InvalidArgument


def checked(contract: Contract, kind: str, spec: dict[str, Any], name: str = "x") -> list[tuple[str, str]]:
    document = {"apiVersion": "agentic.stigmer.ai/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    binding = contract.codec.bind(document)
    assert not binding.errors, binding.violations
    return [(v.field, v.description) for v in contract.check(contract.kinds[kind], binding.message)]


def test_kinds_come_in_apply_order(contract: Contract) -> None:
    ranks = [kind.rank for kind in contract.kinds.values()]
    assert ranks == sorted(ranks)
    assert contract.kinds.rank("Environment") < contract.kinds.rank("Agent") < contract.kinds.rank("AgentInstance")


@pytest.mark.parametrize("word", ["agent", "Agents", "AGENT"])
def test_a_kind_is_found_by_any_of_its_words(contract: Contract, word: str) -> None:
    assert contract.kinds.find(word).name == "Agent"


def test_a_mistyped_kind_is_answered_with_a_suggestion(contract: Contract) -> None:
    with pytest.raises(InvalidArgument) as caught:
        contract.kinds.find("enviroments")
    assert "environments" in caught.value.hint


def test_every_kind_has_the_five_verbs_and_every_method_a_permission(contract: Contract) -> None:
    for kind in contract.kinds.values():
        assert set(kind.methods) - {"custom"} == {"create", "get", "update", "delete", "list"}
    assert all(method.permission for method in contract.methods.values())


def test_kinds_with_default_instances_leave_room_for_the_suffix(contract: Contract) -> None:
    for kind in contract.kinds.values():
        assert kind.max_slug_length == (245 if kind.default_instance_kind else 253)


def test_references_are_found_wherever_they_stand(contract: Contract) -> None:
    document = {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "Agent",
        "metadata": {"name": "a"},
        "spec": {
            "instructions": "Help people.",
            "mcpServers": ["github", {"name": "own", "stdio": {"command": "x"}}],
            "skills": ["z", "shared/y"],
            "subAgents": [{"name": "s", "instructions": "Help people.", "skills": ["q"]}],
        },
    }
    binding = contract.codec.bind(document)
    found = contract.references(contract.kinds["Agent"], binding.message)
    assert [(r.path, r.kind, r.org, r.slug, r.required) for r in found] == [
        ("spec.mcpServers[0].server", "McpServer", "", "github", False),
        ('spec.skills[="shared/y"]', "Skill", "shared", "y", True),
        ('spec.skills[="z"]', "Skill", "", "z", True),
        ('spec.subAgents[name=s].skills[="q"]', "Skill", "", "q", True),
    ]
    assert contract.kinds["Agent"].conditions == ("McpServersResolved",)


def test_the_schema_tells_lists_drift_and_immutable_fields(contract: Contract) -> None:
    agent = contract.kinds["Agent"].schema
    spec, metadata = agent.fields["spec"], agent.fields["metadata"]
    assert metadata.drift is DriftPolicy.MERGE
    assert spec.drift is DriftPolicy.STRICT
    assert "slug" not in metadata.fields
    assert metadata.fields["tags"].list_type is ListType.SET
    assert (spec.fields["subAgents"].list_type, spec.fields["subAgents"].key) == (ListType.MAP, "name")
    assert contract.kinds["AgentInstance"].schema.fields["spec"].fields["agent"].immutable
    assert contract.kinds["McpServer"].schema.fields["spec"].fields["stdio"].immutable_presence


def test_a_secret_value_is_refused_in_every_spelling(contract: Contract) -> None:
    for spec in ({"data": {"A": {"value": "x", "isSecret": True}}}, {"secrets": {"A": "x"}}):
        ((field, message),) = checked(contract, "Environment", spec)
        assert field == "spec.data.A.value"
        assert message.startswith("secret values cannot be stored yet")
    agent = {"instructions": "Help people.", "env": {"A": {"isSecret": True, "default": "x"}}}
    assert [field for field, _ in checked(contract, "Agent", agent)] == ["spec.env.A.default"]


def test_a_slug_too_long_for_a_default_instance_is_refused(contract: Contract) -> None:
    agent = {"instructions": "Help people."}
    assert not checked(contract, "Agent", agent, name="a" * 245)
    assert checked(contract, "Agent", agent, name="a" * 246)[0][0] == "metadata.name"


@pytest.mark.parametrize(
    ("tasks", "field", "message"),
    [
        ({"a": ["b"], "b": ["a"]}, "spec.tasks[name=a].dependsOn", "cycle: a -> b -> a"),
        ({"a": ["a"]}, "spec.tasks[name=a].dependsOn", "cycle: a -> a"),
        ({"plan": [], "b": ["plam"]}, 'spec.tasks[name=b].dependsOn[="plam"]', 'there is no "plam" in tasks; did you'),
    ],
)
def test_dependencies_of_tasks_must_exist_and_have_no_cycle(
    contract: Contract, tasks: dict[str, list[str]], field: str, message: str
) -> None:
    spec = {"tasks": [{"name": name, "agent": "x", "dependsOn": others} for name, others in tasks.items()]}
    ((at, description),) = checked(contract, "Workflow", spec)
    assert at == field
    assert description.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${workflow.inputs.topic}", ""),
        ("${tasks.a-b.outputs.x} and ${tasks.a-b.output}", ""),
        ("${secrets.TOKEN}", ""),
        ("costs $5 {really}", ""),
        ("${workflow.inputs.topix}", 'there is no workflow input "topix"; did you mean "topic"?'),
        ("${tasks.gone.outputs.x}", 'there is no task "gone"'),
        ("${ .jq }", "${.jq} is not an expression of this style"),
    ],
)
def test_expressions_of_the_graph_style_are_checked(contract: Contract, text: str, message: str) -> None:
    spec = {
        "inputs": {"topic": "string"},
        "tasks": [{"name": "a-b", "agent": "x"}, {"name": "c", "agent": "x", "inputs": {"v": [{"w": text}]}}],
    }
    found = checked(contract, "Workflow", spec)
    assert [(f, d[: len(message)]) for f, d in found] == (
        [("spec.tasks[name=c].inputs.v[0].w", message)] if message else []
    )


def test_a_cycle_through_expressions_is_found(contract: Contract) -> None:
    tasks = [
        {"name": "a", "agent": "x", "inputs": {"v": "${tasks.b.outputs.y}"}},
        {"name": "b", "agent": "x", "dependsOn": ["a"]},
    ]
    assert [d for _, d in checked(contract, "Workflow", {"tasks": tasks})] == ["cycle: a -> b -> a"]


def test_names_and_flow_of_the_dsl_are_checked_at_every_depth(contract: Contract) -> None:
    inner = [{"one": {"call": "htp", "then": "gone"}}, {"one": {"set": {}}}]
    spec = {"document": {"dsl": "1.0.0", "name": "x"}, "do": [{"loop": {"for": {"in": [1]}, "do": inner}}]}
    found = checked(contract, "Workflow", spec)
    assert [field for field, _ in found] == [
        "spec.do[0].loop.do[0].one.then",
        "spec.do[0].loop.do[0].one.call",
        "spec.do[0].loop.do[1].one",
    ]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Support Bot", "support-bot"),
        ("  Ünïcödé -- Größe!", "unicode-grosse"),
        ("a_b.c", "a-b-c"),
        ("ﬁle №1", "file-no1"),
        ("already-fine", "already-fine"),
    ],
)
def test_a_slug_is_made_from_the_name(name: str, slug: str) -> None:
    assert slugify(name) == slug


@given(st.text())
def test_a_slug_is_valid_and_its_own_slug(name: str) -> None:
    try:
        slug = slugify(name)
    except InvalidArgument:
        return
    assert is_slug(slug)
    assert slugify(slug) == slug


@given(st.sets(st.text(min_size=1)))
def test_packed_claims_give_back_the_same_paths(paths: set[str]) -> None:
    assert unpack(pack(paths)) == paths


@given(st.binary(max_size=64))
def test_bytes_that_are_no_claims_are_data_loss_or_paths(data: bytes) -> None:
    try:
        unpack(data)
    except DataLoss:
        return


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=4), max_size=6))
def test_a_cycle_is_found_exactly_when_there_is_one(edges: dict[str, list[str]]) -> None:
    graph = {name: [other for other in others if other in edges] for name, others in edges.items()}
    cycles = find_name_cycles(graph)
    for cycle in cycles:
        assert all(after in graph[before] for before, after in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    remaining = dict(graph)
    while free := [name for name, others in remaining.items() if not any(other in remaining for other in others)]:
        for name in free:
            del remaining[name]
    assert bool(cycles) == bool(remaining)
