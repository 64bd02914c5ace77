"""The JSON Schema of manifests says what loader and server say: never stricter for what people write, and looser only
where one value is not enough to judge. Run on the contract with one more kind too. Assumes the codec and the server's
validation, which are the measure here."""

from __future__ import annotations

import copy
import io
import json
import random
import re
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import manifests
from stigmer.contract import Contract, default_contract
from stigmer.contract.annotations import Annotations
from stigmer.contract.explain import Explainer, default_explainer
from stigmer.contract.json_schema import manifest_schema
from stigmer.contract.slug import MAX_SLUG_LENGTH
from stigmer.errors import InvalidArgument
from stigmer.server.steps.validate import Validation

from .added_kind import ADDED_KIND, added_contract, added_descriptors
from .specimens import SPECS, filled, required_references

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted([*ROOT.glob("examples/**/*.yaml"), *ROOT.glob("stigmer/cli/starter/*.yaml")])
SAMPLES = ROOT / "tests/unit/contract/samples.yaml"
PLAN_CASES = ROOT / "tests/cases/plan"

MUTANTS, MUTANTS_SLOW = 400, 60_000

VALUES: list[Any] = [
    None, 5, -1, 1.5, True, False, "", "x", "stdio", "any", "tcp", "x" * 300, "${ .x }", [], {}, [1], ["a"], ["a", "a"],
    [None], {"a": 1}, {"a": None}, {"a": "b"}, {"file": "x"}, {"env": "X"}, [{"a": {"set": {}}}],
    [{"name": "q", "agent": "w"}],
]  # fmt: skip


@cache
def validator(kind: str = "") -> jsonschema.Draft202012Validator:
    chosen = default_contract().kinds[kind] if kind else None
    return jsonschema.Draft202012Validator(manifest_schema(default_explainer(), chosen))


@cache
def added_explainer() -> Explainer:
    return Explainer(added_contract(), Annotations(added_descriptors()))


@cache
def server_rules() -> Validation:
    return Validation(default_contract())


@cache
def archive() -> bytes:
    """A folder with the one file that an artifact must have."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as files:
        files.writestr("SKILL.md", "# What to do")
    return packed.getvalue()


def faults(document: Any, kind: str = "") -> list[str]:
    """What the schema finds, as `path: message`."""
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(document)]


def refusals(document: dict[str, Any]) -> list[str]:
    """What loader and server say of a document; files that it names are there."""
    contract = default_contract()
    binding = contract.codec.bind(
        document, read_source=lambda source: "the text of a file", read_archive=lambda source: archive()
    )
    if binding.errors:
        return [f"{violation.field}: {violation.description}" for violation in binding.violations]
    assert binding.kind is not None
    if len(binding.org) > MAX_SLUG_LENGTH:
        return ["metadata.org: is too long"]  # the org goes into the request's key, which has this bound
    try:
        server_rules().canonical(binding.kind, binding.message)
    except InvalidArgument as error:
        return [f"{violation.field}: {violation.description}" for violation in error.violations]
    return []


def documents(path: Path) -> list[dict[str, Any]]:
    return [document.value for document in manifests.parse(path.read_bytes(), str(path)).documents]


def manifest(kind: str, spec: Any = None, **metadata: Any) -> dict[str, Any]:
    metadata = metadata or {"name": "x"}
    return {"apiVersion": "agentic.stigmer.ai/v1", "kind": kind, "metadata": metadata, "spec": spec or {}}


def planned() -> Iterator[dict[str, Any]]:
    """The resources that the plan cases want."""
    for path in sorted(PLAN_CASES.glob("*/desired.yaml")):
        for each in yaml.safe_load(path.read_text()).get("resources") or []:
            kind, _, slug = each["resource"].rpartition("/")
            metadata = {"name": slug, **(each.get("metadata") or {})}
            yield manifest(kind.rpartition("/")[2], each.get("spec"), **metadata)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(manifest_schema(default_explainer()))
    for kind in default_contract().kinds.values():
        jsonschema.Draft202012Validator.check_schema(manifest_schema(default_explainer(), kind))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_valid(path: Path) -> None:
    for document in documents(path):
        assert faults(document) == []
        assert faults(document, document["kind"]) == []


def test_every_sample_is_valid_as_it_is_written_and_as_get_prints_it() -> None:
    codec = default_contract().codec
    for document in documents(SAMPLES):
        assert faults(document) == []
        binding = codec.bind(document)
        message = binding.message
        message.metadata.id, message.metadata.resource_version, message.metadata.etag = "agt-1", 7, "e"
        message.metadata.audit.created_by = "me"
        message.status.conditions.add(type="Ready", status="True")
        assert binding.kind is not None
        assert faults(codec.manifest(binding.kind, message, full=True)) == []


@pytest.mark.parametrize("name", [*default_contract().kinds])
def test_every_specimen_is_valid(name: str) -> None:
    found = default_contract().kinds[name]
    spec = SPECS.get(name) or filled(found)
    assert faults(manifest(name, {**spec, **dict.fromkeys(dict(required_references(found)), "x")})) == []


def test_what_the_loader_takes_of_the_plan_cases_is_valid() -> None:
    accepted = [document for document in planned() if not refusals(document)]
    assert len(accepted) > 10
    assert [found for document in accepted for found in faults(document)] == []


TOLD = {"instructions": "Do as you are told."}
TASK = {"name": "t", "agent": "a"}
DSL = {"dsl": "1.0.0", "name": "x"}
SET = {"a": {"set": {"x": 1}}}
STDIO = {"stdio": {"command": "b"}}


def agent(**spec: Any) -> dict[str, Any]:
    return manifest("Agent", {**TOLD, **spec})


def graph(*tasks: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return manifest("Workflow", {"tasks": list(tasks or [TASK]), **spec})


def dsl(*tasks: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return manifest("Workflow", {"document": DSL, "do": list(tasks), **spec})


def data(**values: Any) -> dict[str, Any]:
    return manifest("Environment", {"data": values})


def without(field: str, document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != field}


IDIOMATIC = {
    "snake case": manifest("Skill", {"skill_md": "# x", "tag": "a"}),
    "snake case all the way": agent(mcp_servers=[{"name": "a", **STDIO, "enabled_tools": ["c"]}]),
    "api_version": {**without("apiVersion", manifest("Environment")), "api_version": "agentic.stigmer.ai/v1"},
    "a string for a message": agent(mcpServers=["a", "other/b", {"server": "c", "enabledTools": ["d"]}]),
    "scalars for a message": data(A=1, B=0.5, C=True, D="x", E=None, F={}),
    "another spelling of a map": manifest("Environment", {"variables": {"A": 1}, "secrets": {}}),
    "a value from elsewhere": data(A={"valueFrom": {"env": "B"}}, B={"value_from": {"file": "c"}}),
    "text from a file": manifest("Skill", {"skillMd": {"file": "SKILL.md"}}),
    "a folder instead of text": manifest("Skill", {"folder": "./pdf"}),
    "numbers in a map of texts": agent(config={"a": 0.5, "b": True}),
    "a default that is a number": agent(env={"A": {"default": 5}, "B": "What it is", "C": None}),
    "a list of names for a map": graph({**TASK, "outputs": ["x", "y"]}, inputs=["a"]),
    "a type for an input": graph(inputs={"a": "string", "b": {"type": "any", "default": None}, "c": ""}),
    "the other style": dsl(SET, {"b": {"wait": "PT1S", "then": "end"}}),
    "server-set fields": {**manifest("Environment", {}, name="x", id=1, etag=[], audit=None), "status": {"a": "b"}},
    "no spec where none is needed": without("spec", manifest("Environment")),
    "sections that are empty": agent(env=None, mcpServers=None, description=None),
    "a slug without a name": manifest("Environment", {}, slug="x"),
    "an empty choice": manifest(
        "McpServer", {"docker": {"image": "i", "ports": [{"host_port": 1, "containerPort": 2, "protocol": ""}]}}
    ),
}


@pytest.mark.parametrize("document", IDIOMATIC.values(), ids=list(IDIOMATIC))
def test_whatever_people_may_write_is_valid(document: dict[str, Any]) -> None:
    assert refusals(document) == []
    assert faults(document) == []


WRONG = {
    "an unknown field": (agent(instrutions="x"), r"\$\.spec: 'instrutions' does not match"),
    "an unknown field in snake case": (agent(mcp_server=[]), "'mcp_server'"),
    "a field of another kind": (agent(agent="x"), "'agent' does not match"),
    "an unknown kind": (manifest("Agnt"), r"\$\.kind: 'Agnt' is not one of"),
    "another version": ({**manifest("Environment"), "apiVersion": "v1"}, r"\$\.apiVersion"),
    "no version": (without("apiVersion", manifest("Environment")), "'apiVersion' is a required property"),
    "a wrong type": (agent(instructions=["x"]), r"\$\.spec\.instructions: .* is not of type 'string'"),
    "a number for a text": (agent(description=5), r"\$\.spec\.description"),
    "a missing field": (manifest("AgentInstance", {"description": "x"}), "'agent' is a required property"),
    "a missing field of two words": (manifest("Skill", {"tag": "x"}), "'skillMd' is a required property"),
    "a missing spec": (without("spec", manifest("Agent")), "'spec' is a required property"),
    "no name": (manifest("Environment", {}, labels={}), "metadata.name is missing"),
    "a text that is too short": (agent(instructions="short"), "'short' is too short"),
    "a text that is too long": (agent(description="x" * 5_000), "is too long"),
    "a number out of range": (manifest("McpServer", {"http": {"url": "http://x", "timeoutSeconds": 301}}), "301"),
    "a name that is none": (manifest("Environment", {"data": {"1A": "x"}}), "1A"),
    "a slug that is none": (manifest("Environment", {}, name="x", slug="A b"), r"\$\.metadata\.slug"),
    "a slug that is too long": (manifest("Agent", TOLD, slug="a" * 246), r"\$\.metadata\.slug"),
    "two of a oneof": (manifest("McpServer", {**STDIO, "http": {"url": "http://x"}}), "give exactly one"),
    "none of a oneof": (manifest("McpServer", {"description": "x"}), "give exactly one of stdio, http and docker"),
    "both styles": (dsl(SET, tasks=[TASK]), "give either tasks"),
    "neither style": (manifest("Workflow", {"description": "x"}), "give either tasks"),
    "two actions": (dsl({"a": {"set": {}, "call": "http"}}), "give exactly one of set"),
    "no action": (dsl({"a": {}}), "give exactly one of set"),
    "two names of one task": (dsl({"a": {"set": {}}, "b": {"set": {}}}), "too many properties"),
    "a reference and a definition": (agent(mcpServers=[{"server": "a", "name": "b"}]), "give either a reference"),
    "two spellings": (agent(iconUrl="a", icon_url="b"), "in two spellings"),
    "a value and its source": (data(A={"value": "x", "valueFrom": {"env": "B"}}), "give at most one of value and"),
    "text and a folder": (manifest("Skill", {"skillMd": "# x", "folder": "y"}), "give at most one of skillMd and"),
    "a list with nothing in it": (agent(skills=[None]), "None is not of type 'string'"),
    "a name listed twice": (graph(inputs=["a", "a"]), "non-unique"),
    "no choice": (graph(inputs={"a": "strin"}), "strin"),
    "no URL": (manifest("McpServer", {"http": {"url": "ftp://x"}}), "ftp://x"),
}


@pytest.mark.parametrize(("document", "message"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_found_where_it_is(document: dict[str, Any], message: str) -> None:
    assert refusals(document)
    assert any(re.search(message, found) for found in faults(document)), faults(document)


LEFT_TO_VALIDATE = {
    "a name that does not exist": (graph({**TASK, "dependsOn": ["u"]}), r'there is no ".*" in \w+'),
    "an input that does not exist": (
        graph({**TASK, "inputs": {"a": "${workflow.inputs.b}"}}),
        "there is no (workflow input|task|function) ",
    ),
    "an expression that is none": (graph({**TASK, "inputs": {"a": "${b}"}}), "is not an expression of this style"),
    "a cycle": (graph({**TASK, "dependsOn": ["t"]}), "cycle: "),
    "two tasks of one name": (graph(TASK, TASK), "task names must be unique"),
    "one entry in two maps": (
        manifest("Environment", {"data": {"A": "x"}, "variables": {"A": "y"}}),
        r"spec\.(variables|data)\.A: ",
    ),
    "a secret": (data(A={"value": "x", "isSecret": True}), "secret values cannot be stored yet"),
    "a name without a letter": (manifest("Environment", {}, name="!"), "no slug can be made"),
    "a label with control characters": (
        manifest("Environment", {}, name="x", labels={"a": "\x07"}),
        "control character",
    ),
}
"""What takes more than one value to judge, or more than a pattern can say: the schema is looser there."""


@pytest.mark.parametrize(("document", "message"), LEFT_TO_VALIDATE.values(), ids=list(LEFT_TO_VALIDATE))
def test_what_one_value_does_not_show_is_left_to_validate(document: dict[str, Any], message: str) -> None:
    assert any(re.search(message, each) for each in refusals(document)), refusals(document)
    assert faults(document) == []


def test_defaults_and_examples_meet_the_schema_they_stand_in() -> None:
    schema = manifest_schema(default_explainer())
    checked = 0
    for definition in schema["$defs"].values():
        for own in definition.get("properties", {}).values():
            field = {**own, "$defs": schema["$defs"]}
            for value in [*([own["default"]] if "default" in own else []), *own.get("examples", [])]:
                jsonschema.validate(value, field, cls=jsonschema.Draft202012Validator)
                checked += 1
    assert checked > 5


def test_every_field_of_every_kind_is_described() -> None:
    schema = manifest_schema(default_explainer())
    silent = [
        f"{name}.{key}"
        for name, definition in schema["$defs"].items()
        for key, own in definition.get("properties", {}).items()
        if not own.get("description")
    ]
    assert silent == []


def test_an_added_kind_has_a_schema_without_python() -> None:
    schema = jsonschema.Draft202012Validator(manifest_schema(added_explainer()))
    good = manifest(ADDED_KIND, {"serial": "1", "skill": "s", "colours": ["red"], "size": 9})
    assert list(schema.iter_errors(good)) == []
    for wrong in ({"size": 10}, {"size": "big"}, {"serial": ""}, {"colour": []}):
        assert list(schema.iter_errors({**good, "spec": {**good["spec"], **wrong}})), wrong
    assert any("'serial' is a required" in error.message for error in schema.iter_errors(manifest(ADDED_KIND)))
    assert not list(schema.iter_errors(documents(EXAMPLES[0])[0]))


def nodes(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from nodes(item, (*path, key))


def field_names(contract: Contract) -> list[str]:
    shapes = [shape for kind in contract.kinds.values() for shape in kind.shape.reachable]
    return [*sorted({name for shape in shapes for field in shape.fields for name in (field.key, field.name)}), "bogus"]


def mutated(document: dict[str, Any], chance: random.Random, names: list[str]) -> dict[str, Any]:
    """A document with one or two things changed: a value, a field more or less, another spelling."""
    changed = copy.deepcopy(document)
    for _ in range(chance.choice([1, 1, 1, 2])):
        path = chance.choice([path for path in nodes(changed) if path])
        parent: Any = changed
        for key in path[:-1]:
            parent = parent[key]
        key, node = path[-1], parent[path[-1]]
        match chance.choice(("drop", "value", "value", "spell", "add", "add")):
            case "drop":
                del parent[key]
            case "value":
                parent[key] = copy.deepcopy(chance.choice(VALUES))
            case "spell" if isinstance(key, str):
                parent[re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", key)] = parent.pop(key)
            case _ if isinstance(node, dict):
                node[chance.choice(names)] = copy.deepcopy(chance.choice(VALUES))
            case _ if isinstance(node, list):
                node.append(copy.deepcopy(chance.choice(VALUES)))
    return changed


def compare(count: int, seed: int) -> None:
    """Compares the verdicts on `count` mutants."""
    chance = random.Random(seed)
    sources = [document for path in [*EXAMPLES, SAMPLES] for document in documents(path)]
    names = field_names(default_contract())
    sound = 0
    for _ in range(count):
        document = mutated(chance.choice(sources), chance, names)
        if "api_version" in document and "apiVersion" in document:
            continue  # the loader reads the first and ignores the second, which nobody writes
        said, found = refusals(document), faults(document)
        text = json.dumps(document)
        assert said or not found, f"stricter than the loader (seed {seed}): {found}\n{text}"
        unexcused = [each for each in said if not any(re.search(rule, each) for _, rule in LEFT_TO_VALIDATE.values())]
        assert found or not unexcused, f"looser than it says (seed {seed}): {unexcused}\n{text}"
        sound += not said
    assert count / 10 < sound < count * 9 / 10


def test_schema_and_loader_agree_on_mutants_of_good_manifests() -> None:
    compare(MUTANTS, 2_026)


@pytest.mark.slow
def test_schema_and_loader_agree_on_many_mutants() -> None:
    for seed in range(10):
        compare(MUTANTS_SLOW // 10, seed)
