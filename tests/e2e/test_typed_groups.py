"""Environments and workflows without manifests, and deleting all of a kind. Assumes agents tested elsewhere."""

from __future__ import annotations

import json
import os
import pty
from concurrent.futures import ThreadPoolExecutor

import pytest

TASKS = {"tasks": [{"name": "plan", "agent": "planner"}, {"name": "act", "agent": "doer", "dependsOn": ["plan"]}]}


def data(cli, slug: str):
    return cli.live("environments", slug)["spec"].get("data", {})


def test_an_environment_is_made_changed_and_deleted_without_a_manifest(cli) -> None:
    (cli.folder / ".env").write_text("# settings\nexport A=1\nB='two words'\n", encoding="utf-8")
    created = cli.json("env", "create", "Production", "--from-file", ".env", "--set", "A=9", "--description", "Live")
    assert created["metadata"]["slug"] == "production"
    assert created["spec"] == {"description": "Live", "data": {"A": "9", "B": "two words"}}
    assert cli("env", "create", "Production").code == 1
    cli.ok("env", "set", "production", "B-", "C=x=y", "--from-file", "-", stdin="D=4\n")
    assert data(cli, "production") == {"A": "9", "C": "x=y", "D": "4"}
    updated = cli.json("env", "update", "production", "--description", "", "--label", "team=core")
    assert (updated["metadata"]["labels"], "description" in updated["spec"]) == ({"team": "core"}, False)
    same = cli.ok("env", "set", "production", "A=9", "GONE-")
    assert same.err == "✓ unchanged: environment/production\n"
    assert cli.ok("env", "list", "-l", "team=core", "-o", "name").out == "environment/production\n"
    cli.ok("env", "delete", "production", "--yes")
    assert cli.slugs("environments") == set()


def test_a_value_for_a_secret_variable_is_refused_and_not_quoted(cli) -> None:
    cli.write("env.yaml", cli.manifest("Environment", "prod", {"data": {"TOKEN": {"isSecret": True}}}))
    cli.ok("apply", "-f", "env.yaml")
    result = cli("env", "set", "prod", "TOKEN=hunter2", "A=1")
    assert (result.code, "spec.data.TOKEN.value" in result.err) == (1, True)
    assert "hunter2" not in result.out + result.err
    assert data(cli, "prod") == {"TOKEN": {"isSecret": True}}


def test_variables_that_many_set_at_once_are_all_there(cli) -> None:
    cli.ok("env", "create", "shared")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda number: cli("env", "set", "shared", f"V{number}=x"), range(4)))
    assert [result.code for result in results] == [0] * 4, [result.err for result in results]
    assert set(data(cli, "shared")) == {"V0", "V1", "V2", "V3"}


def test_setting_nothing_is_a_usage_error(cli) -> None:
    result = cli("env", "set", "prod")
    assert (result.code, "KEY=VALUE" in result.err) == (1, True)


def test_a_workflow_is_made_from_its_tasks(cli) -> None:
    (cli.folder / "tasks.yaml").write_text(json.dumps(TASKS), encoding="utf-8")
    created = cli.json("workflow", "create", "Order Flow", "-f", "tasks.yaml", "--label", "team=shop")
    assert (created["metadata"]["slug"], created["metadata"]["labels"]) == ("order-flow", {"team": "shop"})
    assert [task["name"] for task in created["spec"]["tasks"]] == ["plan", "act"]
    assert cli.slugs("workflowinstances") == {"order-flow-default"}
    assert cli("workflow", "create", "Order Flow", "-f", "tasks.yaml").code == 1
    assert "NAME" in cli("workflow", "create", "-f", "tasks.yaml").err
    cli.ok("workflow", "update", "order-flow", "--description", "Orders")
    assert cli.live("workflows", "order-flow")["spec"]["description"] == "Orders"


def test_a_dsl_definition_brings_its_name(cli) -> None:
    text = "document: {dsl: 1.0.0, namespace: shop, name: order, version: '1'}\ndo:\n  - a: {set: {x: 1}}\n"
    created = cli.json("workflow", "create", "-f", "-", stdin=text)
    assert (created["metadata"]["slug"], created["spec"]["document"]["version"]) == ("order", "1")


def test_a_manifest_says_what_the_command_line_does_not(cli) -> None:
    cli.write("wf.yaml", cli.manifest("Workflow", "Order Flow", TASKS, labels={"a": "1", "b": "2"}, org="elsewhere"))
    created = cli.json("workflow", "create", "Other", "-f", "wf.yaml", "--label", "b=3", "--description", "Mine")
    assert {name: created["metadata"][name] for name in ("name", "slug", "org", "labels")} == {
        "name": "Other",
        "slug": "other",
        "org": "elsewhere",
        "labels": {"a": "1", "b": "3"},
    }
    assert created["spec"]["description"] == "Mine"


def test_a_mistake_in_the_file_is_told_with_its_place(cli) -> None:
    text = "tasks:\n  - name: plan\n    agnt: planner\n"
    result = cli("workflow", "create", "x", "-f", "-", stdin=text)
    assert (result.code, "tasks[0].agnt" in result.err, "<stdin>:3:5" in result.err) == (1, True, True)
    text = "tasks:\n  - name: 9 lives\n    agent: planner\n"
    result = cli("workflow", "create", "x", "-f", "-", stdin=text)
    assert (result.code, "<stdin>:2:11" in result.err) == (1, True)
    cli.write("bot.yaml", cli.agent("Bot"))
    assert "not Workflow" in cli("workflow", "create", "-f", "bot.yaml").err
    assert "2 documents" in cli("workflow", "create", "-f", "-", stdin="a: 1\n---\nb: 2\n").err
    assert cli.slugs("workflows") == set()


def agents(cli, *names: str, **metadata: object) -> None:
    cli.write("agents.yaml", *(cli.agent(name, **metadata) for name in names))
    cli.ok("apply", "-f", "agents.yaml")


def test_deleting_all_takes_one_kind_of_one_org(cli) -> None:
    agents(cli, "A", "B")
    cli.ok("env", "create", "prod")
    cli.ok("--org", "elsewhere", "agent", "create", "A", "--instructions", "Do as you are told.")
    before = cli.revision()
    report = cli.json("agent", "delete-all", "--yes")
    assert (report["summary"]["deleted"], report["revision"]) == (2, before + 1)
    assert cli.slugs("agents") | cli.slugs("agentinstances") == set()
    assert cli.slugs("environments") == {"prod"}
    assert cli.ok("--org", "elsewhere", "agent", "list", "-o", "name").out == "agent/a\n"


def test_deleting_all_of_nothing_is_done(cli) -> None:
    result = cli.ok("agent", "delete-all")
    assert result.out == "nothing to delete\n"
    assert cli.json("workflow", "delete-all")["changes"] == []


def test_deleting_all_narrows_by_labels_and_filter(cli) -> None:
    agents(cli, "A", "B", labels={"team": "core"})
    agents(cli, "C")
    report = cli.json("agent", "delete-all", "-l", "team=core", "--filter", 'slug = "a*"', "--dry-run")
    assert [(change["slug"], change["outcome"]) for change in report["changes"]] == [("a", None)]
    assert cli("agent", "delete-all", "-l", "team=(", "--yes").code == 1
    cli.ok("agent", "delete-all", "-l", "team=core", "--yes")
    assert cli.slugs("agents") == {"c"}


@pytest.mark.parametrize("option", ["-l", "--selector", "--filter"])
def test_deleting_all_refuses_a_selection_that_is_empty(cli, option) -> None:
    agents(cli, "A")
    result = cli("agent", "delete-all", option, "", "--yes")
    assert (result.code, "is empty" in result.err) == (1, True)
    assert cli.slugs("agents") == {"a"}
    assert cli.ok("agent", "list", option, "", "-o", "name").out == "agent/a\n"


def test_deleting_all_without_a_terminal_needs_a_yes(cli) -> None:
    agents(cli, "A")
    result = cli("agent", "delete-all", stdin="1\n")
    assert (result.code, "--yes" in result.err) == (5, True)
    assert cli.slugs("agents") == {"a"}


def test_on_a_terminal_the_number_is_typed(cli) -> None:
    agents(cli, "A", "B")
    for answer, left in (("y", {"a", "b"}), ("2", set())):
        code, text = at_terminal(cli, answer, "agent", "delete-all")
        assert f"delete 2 resources of the org {cli.org}. Type 2 to go on:" in text
        assert (code, cli.slugs("agents")) == (5 if left else 0, left)


def at_terminal(cli, answer: str, *arguments: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own, where `answer` is typed once it asks."""
    ours, theirs = pty.openpty()
    process = cli.start(*arguments, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    text = ""
    try:
        while "to go on: " not in text:
            text += os.read(ours, 1024).decode()
        os.write(ours, f"{answer}\n".encode())
        with open(ours, "rb", closefd=False, buffering=0) as screen:
            drain(screen)
        return process.wait(60), text
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def drain(screen) -> None:
    """Reads until nobody writes any more; a terminal then says that with an error."""
    try:
        while screen.read(1024):
            pass
    except OSError:
        return


def test_one_protected_resource_keeps_all(cli) -> None:
    agents(cli, "A")
    agents(cli, "Kept", protect=True)
    result = cli("agent", "delete-all", "--yes")
    assert (result.code, "protected" in result.err) == (5, True)
    assert cli.slugs("agents") == {"a", "kept"}
    cli.ok("agent", "delete-all", "--yes", "--filter", "protect = false")
    assert cli.slugs("agents") == {"kept"}


def test_one_that_something_refers_to_keeps_all_and_names_it(cli) -> None:
    cli.write("all.yaml", cli.agent("A"), cli.agent("B"), cli.manifest("AgentInstance", "special", {"agent": "b"}))
    cli.ok("apply", "-f", "all.yaml")
    report = cli.json("agent", "delete-all", "--yes", code=1)
    assert "agentinstance special" in json.dumps(report["diagnostics"])
    assert cli.slugs("agents") == {"a", "b"}


def test_deleting_all_takes_more_than_a_page(cli) -> None:
    cli.write("many.yaml", *(cli.manifest("Environment", f"e{number}") for number in range(1_203)))
    cli.ok("apply", "-f", "many.yaml")
    before = cli.revision()
    assert cli.json("env", "delete-all", "--yes")["summary"]["deleted"] == 1_203
    assert (cli.slugs("environments"), cli.revision()) == (set(), before + 1)
