"""The codec alone: documents that are already plain values. Positions in files are the loader's, and tested there."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from stigmer.contract import Contract
from stigmer.contract.context import ExternalSource, SourceError
from stigmer.errors import InvalidArgument


def bind(contract: Contract, document: dict[str, Any], **options: Any) -> Any:
    binding = contract.codec.bind(document, **options)
    assert not binding.errors, binding.violations
    return binding


def problems(contract: Contract, document: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    return [(v.field, v.description) for v in contract.codec.bind(document, **options).violations]


def environment(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    metadata.setdefault("name", "x")
    return {"apiVersion": "agentic.stigmer.ai/v1", "kind": "Environment", "metadata": metadata, "spec": spec}


def test_every_kind_has_a_sample(contract: Contract, samples: list[dict[str, Any]]) -> None:
    assert {sample["kind"] for sample in samples} == set(contract.kinds)


def test_a_rendered_manifest_binds_to_the_same_message(contract: Contract, sample: dict[str, Any]) -> None:
    first = bind(contract, sample)
    message = contract.kinds[sample["kind"]].message_class()
    message.CopyFrom(first.message)
    message.metadata.org = first.org
    manifest = contract.codec.manifest(first.kind, message)
    second = bind(contract, manifest)
    assert second.message == first.message
    assert (second.org, second.slug) == (first.org, first.slug)
    assert contract.codec.manifest(second.kind, message) == manifest


def test_a_body_gives_back_its_message(contract: Contract, sample: dict[str, Any]) -> None:
    binding = bind(contract, sample)
    body = contract.codec.body(binding.kind, binding.message)
    assert set(body) == {"metadata", "spec"}
    assert contract.codec.from_body(binding.kind, binding.slug, body) == binding.message


def test_canonical_form_is_a_fixed_point(contract: Contract, sample: dict[str, Any]) -> None:
    binding = bind(contract, sample)
    again = contract.codec.canonical(binding.kind, binding.message)
    assert contract.codec.content(again) == contract.codec.content(binding.message)


def test_snake_case_is_accepted_and_means_the_same(contract: Contract) -> None:
    spec = {"instructions": "Help people.", "mcpServers": ["a"], "subAgents": []}
    snake = {"instructions": "Help people.", "mcp_servers": ["a"], "sub_agents": []}
    document = {"apiVersion": "agentic.stigmer.ai/v1", "kind": "Agent", "metadata": {"name": "a"}}
    assert bind(contract, {**document, "spec": spec}).message == bind(contract, {**document, "spec": snake}).message


def test_both_spellings_of_one_field_are_refused(contract: Contract) -> None:
    document = environment({"data": {"A": {"isSecret": False, "is_secret": True}}})
    assert problems(contract, document) == [("spec.data.A.is_secret", '"isSecret" is given twice, in two spellings')]


def test_server_set_fields_in_a_manifest_are_ignored(contract: Contract, sample: dict[str, Any]) -> None:
    document = copy.deepcopy(sample)
    document["status"] = {"anything": 1}
    document["metadata"].update(id="x", etag="y", resource_version=7, generation="no number", audit=[])
    assert bind(contract, document).message == bind(contract, sample).message


def test_order_and_repetition_in_a_set_mean_nothing(contract: Contract) -> None:
    one = bind(contract, environment({}, tags=["b", "a", "b"]))
    two = bind(contract, environment({}, tags=["a", "b"]))
    assert contract.codec.digests(one.kind, one.message) == contract.codec.digests(two.kind, two.message)


def test_a_digest_depends_on_neither_org_nor_server_set_fields(contract: Contract) -> None:
    one = bind(contract, environment({"data": {"A": "1"}}, org="acme"))
    two = bind(contract, environment({"data": {"A": "1"}}))
    assert contract.codec.digests(one.kind, one.message) == contract.codec.digests(two.kind, two.message)


def test_a_spec_digest_does_not_depend_on_metadata(contract: Contract) -> None:
    one = bind(contract, environment({"data": {"A": "1"}}, labels={"a": "b"}))
    two = bind(contract, environment({"data": {"A": "1"}}))
    left, right = (contract.codec.digests(each.kind, each.message) for each in (one, two))
    assert left.spec == right.spec
    assert left.resource != right.resource


@pytest.mark.parametrize(
    ("written", "spelled", "stored"),
    [(0.7, None, "0.7"), (1000.0, "1e3", "1e3"), (1000, None, "1000"), (True, None, "true"), (True, "True", "True")],
)
def test_numbers_and_booleans_in_string_maps_keep_their_spelling(
    contract: Contract, written: Any, spelled: str | None, stored: str
) -> None:
    document = {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "Agent",
        "metadata": {"name": "a"},
        "spec": {"instructions": "Help people.", "config": {"x": written}},
    }
    spellings = {("spec", "config", "x"): spelled} if spelled else {}
    assert bind(contract, document, spellings=spellings).message.spec.config["x"] == stored


def test_plain_strings_and_variables_are_data(contract: Contract) -> None:
    long = bind(contract, environment({"data": {"A": {"value": "1"}, "B": {"value": "2"}}}))
    short = bind(contract, environment({"data": {"A": "1"}, "variables": {"B": 2}}))
    assert long.message == short.message


def test_a_name_in_data_and_variables_is_refused(contract: Contract) -> None:
    document = environment({"data": {"A": "1"}, "variables": {"A": "2"}})
    assert problems(contract, document) == [("spec.variables.A", '"A" is also given in data')]


def test_presence_is_kept_where_unset_and_zero_differ(contract: Contract) -> None:
    def timeout(http: dict[str, Any]) -> Any:
        spec = {"http": {"url": "https://x", **http}}
        document = {"apiVersion": "agentic.stigmer.ai/v1", "kind": "McpServer", "metadata": {"name": "a"}, "spec": spec}
        return bind(contract, document)

    zero, unset = timeout({"timeoutSeconds": 0}), timeout({})
    assert zero.message != unset.message
    assert contract.codec.body(zero.kind, zero.message)["spec"]["http"]["timeoutSeconds"] == 0
    assert "timeoutSeconds" not in contract.codec.body(unset.kind, unset.message)["spec"]["http"]


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"kind": "Agnt"}, "kind", 'unknown kind "Agnt"; did you mean "Agent"?'),
        ({"kind": None}, "kind", "kind is missing"),
        ({"apiVersion": "v1"}, "apiVersion", 'unknown apiVersion "v1"; Agent is of agentic.stigmer.ai/v1'),
        ({"spce": {}}, "spce", 'unknown field "spce"; did you mean "spec"?'),
        ({"metadata": None}, "metadata", "metadata is missing; give metadata.name"),
        ({"metadata": {}}, "metadata", "metadata.name is missing"),
        ({"metadata": {"name": "!!"}}, "metadata.name", "no slug can be made from the name '!!'; give metadata.slug"),
        ({"metadata": {"name": 5}}, "metadata.name", 'expected a string, got the number 5; quote it: "5"'),
        ({"metadata": {"slug": "A b"}}, "metadata.slug", '"A b" is not a valid slug; use a-z, 0-9 and single hyphens;'),
        ({"metadata": {"name": "a", "protect": "yes"}}, "metadata.protect", "expected true or false, got a string;"),
        ({"spec": []}, "spec", "expected a map, got a list"),
        (
            {"spec": {"instrutions": "x"}},
            "spec.instrutions",
            'unknown field "instrutions"; did you mean "instr',
        ),
        ({"spec": {"skills": "a"}}, "spec.skills", "expected a list, got a string; write a list: [...]"),
        ({"spec": {"skills": [1]}}, "spec.skills[0]", 'expected a string, got the number 1; quote it: "1"'),
        ({"spec": {"instructions": "a\0b"}}, "spec.instructions", "a NUL character"),
        ({"spec": {"config": {"a": "\0"}}}, "spec.config.a", "a NUL character"),
        ({"spec": {"env": {"A": {"optional": 1}}}}, "spec.env.A.optional", "expected true or false, got the number 1"),
        ({"spec": {"config": {"a": None}}}, "spec.config.a", 'expected a string, got null; write "" for an empty'),
        (
            {"spec": {"mcpServers": [{"name": "x", "stdio": {}, "http": {}}]}},
            "spec.mcpServers[0].http",
            '"stdio" and "http" exclude each other: give one of them',
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(contract: Contract, change: dict[str, Any], field: str, message: str) -> None:
    document: dict[str, Any] = {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "Agent",
        "metadata": {"name": "a"},
        "spec": {"instructions": "Help people."},
    }
    ((at, description),) = problems(contract, {**document, **change})
    assert at == field
    assert description.startswith(message)


def test_all_mistakes_of_a_document_are_found_at_once(contract: Contract) -> None:
    document = environment({"data": {"A": {"valu": 1}}, "descripion": "x"}, nmae="y")
    assert len(problems(contract, document)) == 3


def test_integers_that_a_json_number_cannot_hold_are_refused(contract: Contract) -> None:
    document = {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "Workflow",
        "metadata": {"name": "a"},
        "spec": {"tasks": [{"name": "t", "agent": "a", "inputs": {"n": 2**53 + 1}}]},
    }
    assert problems(contract, document) == [
        ("spec.tasks[0].inputs.n", "9007199254740993 is too large for a JSON number; quote it")
    ]


def test_external_values_are_read_by_the_caller(contract: Contract) -> None:
    def read(source: ExternalSource) -> str:
        if source.name == "GONE":
            raise SourceError("the environment variable GONE is not set")
        return f"<{source.kind}:{source.name}>"

    spec = {"data": {"A": {"valueFrom": {"env": "HOME"}}, "B": {"valueFrom": {"file": "b.txt"}}}}
    binding = bind(contract, environment(spec), read_source=read)
    assert binding.message.spec.data["A"].value == "<env:HOME>"
    assert [(source.kind, source.name) for source in binding.sources] == [("env", "HOME"), ("file", "b.txt")]
    missing = environment({"data": {"A": {"valueFrom": {"env": "GONE"}}}})
    assert problems(contract, missing, read_source=read) == [
        ("spec.data.A.valueFrom.env", "the environment variable GONE is not set")
    ]


def test_a_secret_from_outside_is_refused_before_it_is_read(contract: Contract) -> None:
    def read(source: ExternalSource) -> str:
        raise AssertionError("a secret was read")

    spec = {"data": {"A": {"isSecret": True, "valueFrom": {"env": "X"}}, "B": {"valueFrom": {"sops": "f#k"}}}}
    found = problems(contract, environment(spec), read_source=read)
    assert [field for field, _ in found] == ["spec.data.A.valueFrom", "spec.data.B.valueFrom"]


def test_a_body_that_does_not_fit_is_an_error_with_its_path(contract: Contract) -> None:
    with pytest.raises(InvalidArgument) as caught:
        contract.codec.from_body(contract.kinds["Agent"], "a", {"metadata": {}, "spec": {"instructions": []}})
    assert [violation.field for violation in caught.value.violations] == ["spec.instructions"]


@pytest.mark.parametrize("version", [[], {}, 5, None, "v1"], ids=str)
def test_an_api_version_of_any_type_is_a_mistake_and_no_fault(contract: Contract, version: Any) -> None:
    ((field, message),) = problems(contract, {**environment({}), "apiVersion": version})
    assert field == "apiVersion"
    assert "Environment is of agentic.stigmer.ai/v1" in message


@pytest.mark.parametrize("source", [{}, {"env": None}], ids=str)
def test_a_value_source_that_names_nothing_is_refused(contract: Contract, source: dict[str, Any]) -> None:
    ((field, message),) = problems(contract, environment({"data": {"A": {"valueFrom": source}}}))
    assert field == "spec.data.A.valueFrom"
    assert "give one of env, file, sops" in message
