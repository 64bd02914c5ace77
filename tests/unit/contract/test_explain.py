"""Fields as documentation shows them. Names of fields stand here as examples only; the registry gives them."""

from __future__ import annotations

import pytest

from stigmer.contract import Kind
from stigmer.contract.annotations import default_annotations
from stigmer.contract.comments import paragraphs
from stigmer.contract.explain import Explainer, FieldEntry, default_explainer
from stigmer.errors import NotFound

EXPLAINER = default_explainer()
KINDS = list(EXPLAINER.contract.kinds.values())


def entry(path: str) -> FieldEntry:
    word, _, below = path.partition(".")
    return EXPLAINER.resolve(EXPLAINER.contract.kinds.find(word), below)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_field_has_a_description_and_is_found_by_its_path(kind: Kind) -> None:
    root = EXPLAINER.kind(kind)
    assert root.description
    walked = list(EXPLAINER.walk(root))
    assert len(walked) > 20
    assert [field.path for _, field in walked if not field.description] == []
    assert [field.path for _, field in walked if EXPLAINER.resolve(kind, field.path) != field] == []


@pytest.mark.parametrize(
    ("path", "type_", "marks"),
    [
        ("agent", "Agent", ()),
        ("agent.kind", "string", ("required",)),
        ("agent.metadata", "ResourceMetadata", ("required",)),
        ("agent.metadata.slug", "string", ("immutable",)),
        ("agent.metadata.tags", "[]string", ("set",)),
        ("agent.metadata.etag", "string", ("read-only",)),
        ("agent.metadata.audit.createdAt", "timestamp", ("read-only",)),
        ("agent.spec.mcpServers", "[]McpServerUse", ()),
        ("agent.spec.mcpServers.server", "string", ("reference to McpServer",)),
        ("agent.spec.skills", "[]string", ("set", "reference to Skill")),
        ("agent.spec.subAgents", "[]SubAgent", ("map by name",)),
        ("agent.spec.env", "map[string]VariableDeclaration", ()),
        ("agent.spec.env.default", "string", ("secret when isSecret",)),
        ("agent.spec.config", "map[string]string", ()),
        ("mcpserver.spec.http", "HttpTransport", ("immutable", "one of stdio, http, docker")),
        ("mcpserver.spec.http.timeoutSeconds", "integer", ()),
        ("skill.spec.skillMd", "string", ("required unless folder or bundle is given",)),
        ("workflow.spec.use", "object", ()),
        ("workflow.spec.tasks.inputs", "map[string]any", ()),
        ("workflow.spec.tasks.dependsOn", "[]string", ("set", "names of tasks")),
        ("workflow.spec.do", "[]map[string]DslTask", ()),
    ],
)
def test_type_and_marks_are_what_the_contract_says(path: str, type_: str, marks: tuple[str, ...]) -> None:
    found = entry(path)
    assert (found.type, found.marks) == (type_, marks)


def test_constraints_rules_shorthands_and_defaults_are_told() -> None:
    assert entry("agent.spec.instructions").constraints == ("at least 10 characters", "at most 262,144 characters")
    assert entry("mcpserver.spec.http.timeoutSeconds").constraints == ("at least 0", "at most 300")
    assert entry("mcpserver.spec.http.timeoutSeconds").default == "30"
    assert entry("mcpserver.spec").rules == ("exactly one of stdio, http, docker",)
    assert "give either tasks" in entry("workflow.spec").rules[0]
    assert entry("agent.spec.mcpServers").shorthands == (
        "each value may be a plain string, which stands for {server: ...}",
    )
    assert entry("environment.spec.secrets").shorthands[0] == (
        "{NAME: X} stands for data: {NAME: {value: X, isSecret: true}}"
    )
    assert entry("workflow.spec.document.dsl").examples == ("1.0.0",)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("agent.spec.mcp_servers", "spec.mcpServers"),
        ("agents.spec.mcpServers[0].name", "spec.mcpServers[].name"),
        ("agent.spec.mcpServers.3.name", "spec.mcpServers[].name"),
        ("agent.spec.subAgents[name=helper].skills", "spec.subAgents[].skills"),
        ("agent.spec.env.TOKEN.isSecret", "spec.env.NAME.isSecret"),
        ('agent.spec.env["a.b"].is_secret', "spec.env.NAME.isSecret"),
        ("agent.spec.env.TOKEN", "spec.env"),
        ("agent.metadata.labels.team", "metadata.labels"),
        ("workflow.spec.do[0].fetch.catch.do[1].again.call", "spec.do[].NAME.catch.do[].NAME.call"),
        ("workflow.spec.do.call", "spec.do[].NAME.call"),
    ],
)
def test_a_path_may_be_written_as_it_stands_in_a_manifest(written: str, meant: str) -> None:
    assert entry(written).path == meant


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("agent.spec.mcpServrs", 'Agent.spec has no field "mcpServrs"', 'did you mean "mcpServers"?; the fields are'),
        ("agent.spek", 'Agent has no field "spek"', 'did you mean "spec"?; the fields are apiVersion, kind'),
        ("agent.spec.env.isSecrte", 'Agent.spec.env has no field "isSecrte"', 'did you mean "isSecret"?'),
        ("agent.spec.mcpServers.x.name", 'Agent.spec.mcpServers has no field "x"', "the fields are server"),
        ("agent.spec.description.x", "is of type string, which has no fields", ""),
        ("agent.spec[0]", 'Agent.spec has no field "0"', "the fields are"),
    ],
)
def test_an_unknown_path_says_what_there_is(path: str, message: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        entry(path)
    assert message in caught.value.message
    assert caught.value.hint.startswith(hint)


def test_a_type_inside_itself_is_named_and_not_entered_again() -> None:
    inner = entry("workflow.spec.do.do")
    assert inner.has_fields
    walked = [field.path for _, field in EXPLAINER.walk(entry("workflow.spec"))]
    assert "spec.do[].NAME.do" in walked
    assert not any(path.startswith("spec.do[].NAME.do[]") for path in walked)


def test_a_comment_is_the_text_without_the_marks_of_its_lines() -> None:
    assert paragraphs(" One\n line.\n\n Another.\n") == "One line.\n\nAnother."
    assert paragraphs("") == ""


def test_a_contract_without_comments_is_explained_all_the_same() -> None:
    from google.protobuf import descriptor_pb2

    from stigmer.contract.annotations import Annotations

    bare = Annotations(descriptor_pb2.FileDescriptorSet().SerializeToString())
    kind = KINDS[0]
    explainer = Explainer(EXPLAINER.contract, bare)
    assert explainer.kind(kind).description == ""
    assert explainer.resolve(kind, "spec.description").type == "string"


def test_operations_have_comments_too() -> None:
    assert default_annotations().comments.of("stigmer.backend.v1.BackendService.ApplyChanges")
