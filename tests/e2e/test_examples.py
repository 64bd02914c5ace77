"""The folders that users start from. Assumes nothing."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
ESTATE = QUICKSTART.parent / "estate"


@pytest.fixture(params=["quickstart", "init"])
def example(request: pytest.FixtureRequest, cli) -> Path:
    if request.param == "quickstart":
        return QUICKSTART
    cli.ok("init", "started")
    assert cli.folder is not None
    return cli.folder / "started"


def test_an_example_validates_applies_once_and_goes(example: Path, cli) -> None:
    assert cli.ok("validate", "-f", example).err.endswith("nothing is wrong\n")
    report = cli.json("apply", "-f", example)
    assert [item for item in report["diagnostics"] if item["severity"] == "warning"] == []
    created = report["summary"]["created"]
    assert created == len(report["changes"]) > 4
    again = cli.json("apply", "-f", example)
    assert (again["summary"]["unchanged"], again["revision"]) == (created, report["revision"])
    everything = cli.ok("get", "environments,mcpservers,skills,agents,workflows,ain,win", "-o", "yaml").out
    assert cli.json("apply", "-f", "-", stdin=everything)["summary"]["unchanged"] == created
    assert cli.json("delete", "-f", example, "--yes")["summary"]["deleted"] == created
    assert cli.slugs("agents") | cli.slugs("agentinstances") == set()


def test_init_overwrites_nothing_unless_forced(cli) -> None:
    assert cli.folder is not None
    first = cli.json("init")["files"]
    (cli.folder / first[0]).write_text("mine")
    refused = cli("init")
    assert (refused.code, first[0] in refused.err, "--force" in refused.err) == (1, True, True)
    assert (cli.folder / first[0]).read_text() == "mine"
    cli.ok("init", "--force")
    assert (cli.folder / first[0]).read_text() != "mine"


def test_both_examples_live_side_by_side(cli) -> None:
    cli.ok("apply", "-f", QUICKSTART)
    cli.ok("init", "mine")
    report = cli.json("apply", "-f", "mine")
    assert report["summary"]["updated"] == 0
    cli.ok("delete", "-f", "mine", "--yes")
    assert cli.json("apply", "-f", QUICKSTART)["summary"]["created"] == 0


def estate() -> dict[str, dict[str, dict[str, Any]]]:
    """The estate's documents, read without the program: kind -> slug -> document."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in ESTATE.rglob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            slug = document["metadata"]["name"].lower().replace(" ", "-")
            found.setdefault(document["kind"], {})[slug] = document
    return found


def test_the_estate_is_what_its_readme_says() -> None:
    documents = estate()
    readme = (ESTATE / "README.md").read_text(encoding="utf-8")
    told = {kind: int(number) for kind, number in re.findall(r"^\| (\w+) \| (\d+)", readme, flags=re.MULTILINE)}
    assert told == {kind: len(those) for kind, those in documents.items()}
    assert f"{sum(told.values())} resources" in readme
    specs = [document["spec"] for document in documents["Workflow"].values()]
    assert Counter("do" if "do" in spec else "tasks" for spec in specs) == {"tasks": 4, "do": 3}
    servers = [document["spec"] for document in documents["McpServer"].values()]
    transports = Counter(name for spec in servers for name in ("http", "stdio", "docker") if name in spec)
    assert transports == {"http": 4, "stdio": 2, "docker": 4}
    skills = [document["spec"] for document in documents["Skill"].values()]
    forms = Counter("folder" if "folder" in spec else type(spec["skillMd"]).__name__ for spec in skills)
    assert forms == {"str": 4, "dict": 2, "folder": 1}


def test_the_estate_keeps_its_conventions() -> None:
    for kind, those in estate().items():
        for slug, document in those.items():
            metadata = document["metadata"]
            expected = {"team"} | ({"tier"} if kind in {"Agent", "Workflow"} else set())
            expected |= {"stage"} if kind.endswith("Instance") else set()
            assert expected <= metadata["labels"].keys(), slug
            assert kind.endswith("Instance") or "alderway.example/owner" in metadata["annotations"], slug
            assert set(metadata.get("tags", [])) <= {"customer-data", "moves-money", "on-call", "read-only"}, slug


def test_the_estate_applies_in_one_revision_and_a_second_time_not_at_all(cli) -> None:
    documents = estate()
    total = sum(map(len, documents.values()))
    assert cli.ok("validate", "-f", ESTATE).err.endswith("nothing is wrong\n")
    report = cli.json("apply", "-f", ESTATE)
    assert report["diagnostics"] == []
    assert (report["summary"]["created"], len(report["changes"])) == (total, total)
    for kind, those in documents.items():
        assert those.keys() <= cli.slugs(kind)
    for kind in ("Agent", "Workflow"):
        assert {f"{slug}-default" for slug in documents[kind]} <= cli.slugs(f"{kind}Instance")
    for _ in range(2):
        again = cli.json("apply", "-f", ESTATE)
        assert (again["summary"]["unchanged"], again["revision"]) == (total, report["revision"])
    cli.ok("plan", "-f", ESTATE, "--detailed-exitcode")


def test_the_estate_goes_only_after_its_protection_was_lifted(cli) -> None:
    cli.ok("apply", "-f", ESTATE)
    refused = cli("delete", "-f", ESTATE, "--yes")
    assert (refused.code, "alderway-production is protected" in refused.err) == (5, True)
    assert cli.json("apply", "-f", ESTATE)["summary"]["created"] == 0
    leaving = cli.folder / "leaving"
    shutil.copytree(ESTATE, leaving)
    for path in leaving.rglob("*.yaml"):
        path.write_text(path.read_text(encoding="utf-8").replace("protect: true", "protect: false"), encoding="utf-8")
    cli.ok("apply", "-f", leaving)
    cli.ok("delete", "-f", leaving, "--yes")
    assert not any(cli.slugs(kind) for kind in estate())


def test_all_examples_live_side_by_side(cli) -> None:
    cli.ok("apply", "-f", QUICKSTART)
    report = cli.json("apply", "-f", ESTATE)
    assert report["summary"]["created"] == len(report["changes"])


def _names(schema: Any) -> Iterator[str]:
    """The names of all properties that a JSON Schema describes."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield from schema["properties"]
        for part in schema.values():
            yield from _names(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _names(part)


def test_the_schema_and_explain_know_every_field_that_the_estate_uses(cli) -> None:
    for kind, those in estate().items():
        schema = json.loads(cli.ok("schema", kind).out)
        known = set(_names(schema))
        assert schema["title"] == kind
        assert {name for document in those.values() for name in document["spec"]} <= known
    assert "slugs, or definitions" in cli.ok("explain", "agent.spec.mcpServers").out


def test_the_estates_environments_give_what_its_agents_need() -> None:
    """Every variable that is neither secret nor optional and has no default is in an instance's environments."""
    documents = estate()
    for name, instance in documents["AgentInstance"].items():
        given: set[str] = set()
        for environment in instance["spec"]["environments"]:
            spec = documents["Environment"][environment]["spec"]
            given |= {*spec.get("data", {}), *spec.get("variables", {})}
        agent = documents["Agent"][instance["spec"]["agent"]]["spec"]
        used = [use for user in (agent, *agent.get("subAgents", [])) for use in user.get("mcpServers", [])]
        servers = {use if isinstance(use, str) else use.get("server", "") for use in used} - {""}
        declared = [agent, *(documents["McpServer"][server]["spec"] for server in servers)]
        needed = {
            variable
            for owner in declared
            for variable, rules in owner.get("env", {}).items()
            if isinstance(rules, str) or not rules.keys() & {"isSecret", "optional", "default"}
        }
        assert needed <= given, name
