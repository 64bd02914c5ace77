"""Reading and changing single resources. Assumes apply tested elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def fill(cli):
    """Two agents, one of them with everything a description shows."""
    cli.write(
        "all.yaml",
        cli.manifest("Environment", "prod", {"data": {"A": "1"}}),
        cli.manifest("Skill", "triage", {"skillMd": "# Triage\n"}),
        cli.manifest(
            "Agent",
            "Support Bot",
            {"instructions": "Do as you are told.", "mcpServers": ["missing"], "skills": ["triage"]},
            labels={"team": "core"},
            annotations={"note": "a\nb"},
            tags=["x"],
        ),
        cli.agent("Other", labels={"team": "edge"}),
    )
    cli.ok("apply", "-f", "all.yaml")
    return cli


@pytest.fixture(scope="module")
def filled(daemon_home: Path, tmp_path_factory: pytest.TempPathFactory, run_cli):
    """Resources that are only read."""
    return fill(run_cli(daemon_home, "filled", tmp_path_factory.mktemp("filled")))


@pytest.fixture
def changeable(cli):
    """The same, for one test."""
    return fill(cli)


def test_get_lists_a_kind_by_any_of_its_words(filled) -> None:
    assert set(filled.ok("get", "AGENT", "-o", "name").out.split()) == {"agent/support-bot", "agent/other"}
    assert filled.ok("get", "env,skills", "-o", "name").out.split() == ["environment/prod", "skill/triage"]


def test_get_narrows_by_labels_and_filter(filled) -> None:
    assert filled.ok("get", "agents", "-l", "team=core", "-o", "name").out == "agent/support-bot\n"
    assert filled.ok("get", "agents", "--filter", 'slug = "oth*"', "-o", "name").out == "agent/other\n"
    assert filled("get", "agents", "-l", "team=(").code == 1


def test_an_empty_list_prints_nothing_on_standard_output(cli) -> None:
    result = cli.ok("get", "workflows")
    assert (result.out, result.err) == ("", "ℹ no workflows found\n")  # noqa: RUF001
    assert cli.json("get", "workflows") == {"items": []}
    assert cli.ok("get", "workflows", "-o", "yaml").out == ""


def test_one_named_resource_is_one_object_and_several_are_items(filled) -> None:
    assert filled.json("get", "agent", "other")["metadata"]["slug"] == "other"
    items = filled.json("get", "agent", "other", "support-bot")["items"]
    assert [item["metadata"]["slug"] for item in items] == ["other", "support-bot"]
    assert sorted(filled.ok("get", "agents", "-o", "jsonpath={.items[*].metadata.slug}").out.split()) == [
        "other",
        "support-bot",
    ]


def test_a_resource_that_does_not_exist_is_named(filled) -> None:
    result = filled("get", "agent", "other", "nobody")
    assert (result.code, result.out, result.err) == (1, "", "✗ agent not found: nobody\n")
    assert filled.ok("get", "agent", "other", "nobody", "--ignore-not-found", "-o", "name").out == "agent/other\n"
    assert filled.json("get", "agent", "nobody", code=1)["error"]["code"] == "NOT_FOUND"


def test_an_unknown_kind_gets_a_suggestion(cli) -> None:
    result = cli("get", "agnets")
    assert result.code == 1
    assert "agents" in result.err


def test_default_instances_are_marked(filled) -> None:
    lines = filled.ok("get", "agentinstances").out.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "GENERATION", "AGE", "NOTE"]
    assert {line.split()[0]: line.split()[-1] for line in lines[1:]} == {
        "support-bot-default": "agent/support-bot",
        "other-default": "agent/other",
    }


def test_describe_shows_what_there_is_to_know(filled) -> None:
    page = filled.ok("describe", "agent", "support-bot").out
    assert page.startswith("Agent support-bot\n")
    words = [line.split() for line in page.splitlines()]
    assert ["Labels", "team=core"] in words
    assert ["Declared", "by", "stigmer", "(7", "fields)"] in words
    assert ["spec.mcpServers[0].server", "McpServer/missing", "missing"] in words
    assert ['spec.skills[="triage"]', "Skill/triage", "yes"] in words
    assert any(line[:2] == ["McpServersResolved", "False"] for line in words)
    assert any(line[:3] == ["Default", "instance", "AgentInstance/support-bot-default"] for line in words)
    assert any(line[0] == "Created" and "by" in line for line in words if line)


def test_an_agent_is_made_changed_and_deleted_without_a_manifest(cli) -> None:
    created = cli.json(
        "agent", "create", "My Bot", "--instructions", "@-", "--label", "team=core", stdin="Read this from a pipe.\n"
    )
    assert created["metadata"]["slug"] == "my-bot"
    assert created["spec"] == {"instructions": "Read this from a pipe.\n"}
    assert cli("agent", "create", "My Bot", "--instructions", "Once more, please.").code == 1
    updated = cli.json("agent", "update", "my-bot", "--description", "New", "--label", "team-", "--label", "a=b")
    assert updated["spec"]["description"] == "New"
    assert updated["metadata"]["labels"] == {"a": "b"}
    same = cli.json("agent", "update", "my-bot", "--description", "New")
    assert same["metadata"]["resourceVersion"] == updated["metadata"]["resourceVersion"]
    assert cli.ok("agent", "list", "-o", "name").out == "agent/my-bot\n"
    assert cli.json("agent", "get", "my-bot")["metadata"]["name"] == "My Bot"
    assert cli("agent", "delete", "my-bot").code == 5
    cli.ok("agent", "delete", "my-bot", "--yes")
    assert cli.slugs("agents") | cli.slugs("agentinstances") == set()


def test_a_rule_that_an_agent_breaks_is_told_with_its_field(cli) -> None:
    result = cli("agent", "create", "Bot", "--instructions", "short")
    assert result.code == 1
    assert "spec.instructions" in result.err


def test_deleting_by_name_needs_a_yes_and_the_name(changeable) -> None:
    assert changeable("delete", "agent", "other").code == 5
    result = changeable("delete", "agent", "other", "nobody", "--yes")
    assert (result.code, result.err) == (1, "✗ agent not found: nobody\n")
    assert "other" in changeable.slugs("agents")
    report = changeable.json("delete", "agent/other", "skill/nothing", "--yes", "--ignore-not-found")
    assert (report["summary"]["deleted"], report["summary"]["unchanged"]) == (1, 1)
    assert changeable.slugs("agentinstances") == {"support-bot-default"}


def test_what_something_refers_to_is_not_deleted(changeable) -> None:
    report = changeable.json("delete", "skill", "triage", "--yes", code=1)
    assert report["summary"]["failed"] == 1
    assert "support-bot" in json.dumps(report["diagnostics"])
    changeable.ok("delete", "skill/triage", "agent/support-bot", "--yes")


def test_a_protected_resource_is_not_deleted(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot", protect=True))
    cli.ok("apply", "-f", "bot.yaml")
    result = cli("delete", "-f", "bot.yaml", "--yes")
    assert (result.code, "protected" in result.err) == (5, True)
    assert cli.slugs("agents") == {"bot"}


def test_deleting_by_files_takes_what_they_declare_and_nothing_else(changeable) -> None:
    changeable.write("part.yaml", changeable.agent("Other"), changeable.agent("Never There"))
    dry = changeable.json("delete", "-f", "part.yaml", "--dry-run")
    assert [(change["slug"], change["outcome"]) for change in dry["changes"]] == [("other", None)]
    report = changeable.json("delete", "-f", "part.yaml", "--yes")
    assert (report["summary"]["deleted"], report["summary"]["unchanged"]) == (1, 1)
    assert changeable.slugs("agents") == {"support-bot"}
    again = changeable.ok("delete", "-f", "part.yaml")
    assert again.out == "2 already absent\n"
