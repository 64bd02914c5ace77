"""Manifests become resources, once. Assumes each layer below tested on its own."""

from __future__ import annotations

import json
from pathlib import Path

OUTCOMES = [
    "created",
    "updated",
    "deleted",
    "adopted",
    "moved",
    "replaced",
    "unchanged",
    "skipped",
    "failed",
    "blocked",
    "conflicted",
]


def counts(report) -> dict[str, int]:
    return {outcome: count for outcome, count in report["summary"].items() if count}


def test_a_second_apply_writes_nothing(cli) -> None:
    cli.write("all.yaml", cli.agent("Bot"), cli.manifest("Environment", "prod", {"data": {"A": "1"}}))
    first = cli.json("apply", "-f", "all.yaml")
    assert counts(first) == {"created": 2}
    second = cli.json("apply", "-f", "all.yaml")
    assert counts(second) == {"unchanged": 2}
    assert second["changes"] == []
    assert second["revision"] == first["revision"] == cli.revision()
    assert counts(cli.json("apply", "-f", "all.yaml", "--no-cache")) == {"unchanged": 2}
    assert cli.revision() == first["revision"]


def test_an_apply_is_one_revision(cli) -> None:
    before = cli.revision()
    cli.write("all.yaml", *(cli.agent(f"bot-{n}") for n in range(20)))
    assert cli.json("apply", "-f", "all.yaml")["revision"] == before + 1


def test_the_json_of_an_apply_has_the_promised_shape(cli) -> None:
    path = cli.write("bot.yaml", cli.agent("Bot"))
    report = cli.json("apply", "-f", "bot.yaml")
    assert {"changes", "summary", "revision", "diagnostics"} <= report.keys()
    assert list(report["summary"]) == OUTCOMES
    (change,) = report["changes"]
    named = ("kind", "slug", "org", "action", "outcome")
    assert [change[name] for name in named] == ["Agent", "bot", cli.org, "create", "created"]
    added = {field["path"]: field["after"] for field in change["fields"] if field["op"] == "add"}
    assert added == {"metadata.name": "Bot", "spec.instructions": "Do as you are told."}
    assert change["id"].startswith("agt-")
    assert change["source"] == {"file": path.name, "line": 1}
    path.write_text(path.read_text().replace("told", "asked"))
    (change,) = cli.json("apply", "-f", "bot.yaml")["changes"]
    assert (change["action"], change["outcome"]) == ("update", "updated")
    (field,) = change["fields"]
    assert (field["path"], field["op"]) == ("spec.instructions", "replace")
    assert (field["before"], field["after"]) == ("Do as you are told.", "Do as you are asked.")


def test_unchanged_resources_are_listed_on_request(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    cli.ok("apply", "-f", "bot.yaml")
    (change,) = cli.json("apply", "-f", "bot.yaml", "--show-unchanged")["changes"]
    assert (change["slug"], change["action"], change["outcome"]) == ("bot", "noop", "unchanged")


def test_a_plan_tells_by_its_exit_code_whether_something_would_change(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    assert cli("plan", "-f", "bot.yaml", "--detailed-exitcode").code == 2
    assert cli("diff", "-f", "bot.yaml", "--detailed-exitcode").code == 2
    report = cli.json("plan", "-f", "bot.yaml")
    assert (counts(report), report["changes"][0]["outcome"]) == ({"created": 1}, None)
    assert cli.slugs("agents") == set()
    cli.ok("apply", "-f", "bot.yaml")
    assert cli("plan", "-f", "bot.yaml", "--detailed-exitcode").code == 0
    assert cli("diff", "-f", "bot.yaml", "--detailed-exitcode").code == 0


def test_a_dry_run_says_what_apply_would_and_writes_nothing(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    before = cli.revision()
    dry = cli.json("apply", "-f", "bot.yaml", "--dry-run")
    assert dry == cli.json("plan", "-f", "bot.yaml")
    assert cli.revision() == before


def test_a_label_that_leaves_the_manifest_goes_and_one_set_by_hand_stays(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot", labels={"team": "core", "tier": "gold"}))
    cli.ok("apply", "-f", "bot.yaml")
    cli.ok("agent", "update", "bot", "--label", "by-hand=yes")
    assert counts(cli.json("apply", "-f", "bot.yaml")) == {"unchanged": 1}
    cli.write("bot.yaml", cli.agent("Bot", labels={"team": "core"}))
    (change,) = cli.json("apply", "-f", "bot.yaml")["changes"]
    assert [(field["path"], field["op"]) for field in change["fields"]] == [("metadata.labels.tier", "remove")]
    assert cli.live("agent", "bot")["metadata"]["labels"] == {"team": "core", "by-hand": "yes"}


def test_a_field_that_somebody_else_changed_is_set_back(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    cli.ok("apply", "-f", "bot.yaml")
    cli.ok("agent", "update", "bot", "--instructions", "Do whatever you like.", "--description", "added")
    report = cli.json("apply", "-f", "bot.yaml")
    assert {field["path"] for field in report["changes"][0]["fields"]} == {"spec.instructions", "spec.description"}
    assert cli.live("agent", "bot")["spec"] == {"instructions": "Do as you are told."}


def test_what_get_prints_can_be_applied_again_unchanged(cli) -> None:
    cli.write(
        "all.yaml",
        cli.manifest("Environment", "prod", {"data": {"A": {"value": "1", "description": "first"}, "B": "yes"}}),
        cli.agent("Bot", "Two\nlines: of\n\ttext # really\n", labels={"a.b/c": "x"}, annotations={"k": "v: w"}),
        cli.manifest("AgentInstance", "bot-prod", {"agent": "bot", "environments": ["prod"]}),
    )
    cli.ok("apply", "-f", "all.yaml")
    before = cli.revision()
    (cli.folder / "again.yaml").write_text(cli.ok("get", "env/prod", "agent/bot", "ain/bot-prod", "-o", "yaml").out)
    assert counts(cli.json("apply", "-f", "again.yaml")) == {"unchanged": 3}
    (cli.folder / "again.json").write_text(cli.ok("get", "agent", "bot", "-o", "json").out)
    assert counts(cli.json("apply", "-f", "again.json")) == {"unchanged": 1}
    assert cli.revision() == before


def test_a_list_printed_as_yaml_can_be_applied_again_unchanged(cli) -> None:
    cli.write("all.yaml", cli.agent("One"), cli.agent("Two"))
    cli.ok("apply", "-f", "all.yaml")
    listed = cli.ok("get", "agents,agentinstances", "-o", "yaml")
    assert "2 default instances left out" in listed.err
    assert counts(cli.json("apply", "-f", "-", stdin=listed.out)) == {"unchanged": 2}


def test_manifests_come_from_standard_input(cli) -> None:
    text = "apiVersion: agentic.stigmer.ai/v1\nkind: Environment\nmetadata: {name: prod}\nspec: {data: {A: x}}\n"
    report = cli.json("apply", "-f", "-", stdin=text)
    assert counts(report) == {"created": 1}
    assert report["changes"][0]["source"]["line"] == 1


def test_folders_globs_and_repeated_paths_are_one_set(cli) -> None:
    cli.write("a/one.yaml", cli.agent("one"))
    cli.write("a/deep/two.yml", cli.agent("two"))
    cli.write("b/three.json", cli.agent("three"))
    cli.write("b/notes.txt")
    cli.write("c-4.yaml", cli.agent("four"))
    cli.write("c-5.yaml", cli.agent("five"))
    flat = cli.json("plan", "-f", "a", "--no-recursive")
    assert [change["slug"] for change in flat["changes"]] == ["one"]
    assert counts(cli.json("plan", "a", "b", "-f", "c-*.yaml")) == {"created": 5}
    assert counts(cli.json("apply", "-R", "-f", "a", "-f", "b", "-f", "c-4.yaml", "-f", "c-5.yaml")) == {"created": 5}


def test_a_replace_must_be_allowed_and_confirmed(cli) -> None:
    cli.write("mcp.yaml", cli.manifest("McpServer", "files", {"stdio": {"command": "npx"}}))
    old = cli.json("apply", "-f", "mcp.yaml")["changes"][0]["id"]
    cli.write("mcp.yaml", cli.manifest("McpServer", "files", {"http": {"url": "https://example.com/mcp"}}))
    refused = cli("apply", "-f", "mcp.yaml")
    assert (refused.code, "--allow-replace" in refused.err) == (5, True)
    assert cli("plan", "-f", "mcp.yaml", "--allow-replace", "--detailed-exitcode").code == 2
    unconfirmed = cli("apply", "-f", "mcp.yaml", "--allow-replace")
    assert (unconfirmed.code, "--yes" in unconfirmed.err) == (5, True)
    report = cli.json("apply", "-f", "mcp.yaml", "--allow-replace", "--yes")
    assert counts(report) == {"replaced": 1}
    assert cli.live("mcp", "files")["metadata"]["id"] not in {"", old}


def test_a_field_of_another_manager_is_a_conflict_unless_forced(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    cli.ok("apply", "-f", "bot.yaml", "--field-manager", "ana")
    cli.write("bot.yaml", cli.agent("Bot", "Do something else."))
    report = cli.json("apply", "-f", "bot.yaml", code=3)
    assert counts(report) == {"conflicted": 1}
    assert "ana" in report["changes"][0]["error"]["message"]
    assert cli.live("agent", "bot")["spec"]["instructions"] == "Do as you are told."
    assert counts(cli.json("apply", "-f", "bot.yaml", "--force-conflicts")) == {"updated": 1}


def test_all_or_nothing_unless_told_to_keep_going(cli) -> None:
    cli.write(
        "all.yaml",
        cli.agent("good"),
        cli.agent("bad", "short"),
        cli.manifest("AgentInstance", "of-bad", {"agent": "bad"}),
        cli.manifest("AgentInstance", "of-good", {"agent": "good"}),
    )
    report = cli.json("apply", "-f", "all.yaml", code=1)
    assert any("spec.instructions" in item["message"] for item in report["diagnostics"])
    assert cli.slugs("agents") == set()
    report = cli.json("apply", "-f", "all.yaml", "--keep-going", code=4)
    outcomes = {change["slug"]: change["outcome"] for change in report["changes"]}
    assert outcomes == {"good": "created", "bad": "failed", "of-bad": "blocked", "of-good": "created"}
    assert cli.slugs("agents") == {"good"}
    assert report["summary"]["created"] == 2


def test_two_managers_may_share_a_resource(cli) -> None:
    cli.write("ours.yaml", cli.agent("Bot", labels={"ours": "1"}))
    cli.ok("apply", "-f", "ours.yaml")
    theirs = {**cli.agent("Bot", labels={"theirs": "1"})}
    cli.write("theirs.yaml", theirs)
    cli.ok("apply", "-f", "theirs.yaml", "--field-manager", "ana")
    assert cli.live("agent", "bot")["metadata"]["labels"] == {"ours": "1", "theirs": "1"}
    assert counts(cli.json("apply", "-f", "ours.yaml")) == {"unchanged": 1}


def test_a_moved_line_is_no_change(cli) -> None:
    path = cli.write("bot.yaml", cli.agent("Bot"))
    first = cli.json("apply", "-f", "bot.yaml")
    path.write_text("\n# a comment\n\n" + path.read_text())
    assert counts(cli.json("apply", "-f", "bot.yaml")) == {"unchanged": 1}
    assert cli.revision() == first["revision"]


def test_the_human_output_shows_the_change_the_table_and_the_count(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    first = cli.ok("apply", "-f", "bot.yaml")
    lines = first.out.splitlines()
    assert lines[0] == "+ Agent/bot  (bot.yaml:1)"
    assert lines[1].split() == ["TYPE", "NAME", "STATUS", "ID"]
    assert lines[2].split()[:3] == ["Agent", "bot", "created"]
    assert lines[3] == "1 created"
    assert first.err == f"✓ applied at revision {cli.revision()}\n"
    cli.write("bot.yaml", cli.agent("Bot", "Line one\nLine two\n"))
    cli.ok("apply", "-f", "bot.yaml")
    cli.write("bot.yaml", cli.agent("Bot", "Line one\nLine 2\n"))
    assert cli.ok("plan", "-f", "bot.yaml").out.splitlines() == [
        "~ Agent/bot  (manifest changed at bot.yaml:1)",
        "    ~ spec.instructions: 2 lines → 2 lines",
        "          Line one",
        "        - Line two",
        "        + Line 2",
        "1 to update",
    ]
    assert cli.ok("diff", "-f", "bot.yaml").out.splitlines() == [
        f"--- live/{cli.org}/Agent/bot",
        f"+++ bot.yaml:1 {cli.org}/Agent/bot",
        "@@ spec.instructions @@",
        " Line one",
        "-Line two",
        "+Line 2",
    ]


def test_an_org_in_the_manifest_counts_more_than_the_option(cli) -> None:
    other = f"{cli.org}-other"
    cli.write("bot.yaml", cli.agent("Bot", org=other))
    assert cli.json("apply", "-f", "bot.yaml")["changes"][0]["org"] == other
    assert cli.slugs("agents") == set()
    listed = json.loads(cli.ok("get", "agents", "-A", "-o", "json").out)
    assert other in {item["metadata"].get("org") for item in listed["items"]}


def test_validate_reports_without_writing(cli) -> None:
    cli.write("bot.yaml", cli.agent("Bot"))
    assert cli.ok("validate", "-f", "bot.yaml").err == "✓ 1 manifest in 1 file checked: nothing is wrong\n"
    cli.write("bad.yaml", cli.agent("Bad", "short"), {"kind": "Agnet"})
    report = cli.json("validate", "-f", "bad.yaml", code=1)
    assert report["diagnostics"]
    assert cli.slugs("agents") == set()


def test_an_older_store_put_back_by_hand_is_not_taken_for_the_one_that_was_applied_to(own_cli) -> None:
    own_cli.write("one.yaml", own_cli.agent("one"))
    assert counts(own_cli.json("apply", "-f", ".")) == {"created": 1}
    data = Path(own_cli.json("local", "status")["data_dir"])
    own_cli.ok("local", "stop")
    older = (data / "data.mdb").read_bytes()
    own_cli.write("two.yaml", *(own_cli.agent(f"two-{number}") for number in range(80)))
    assert counts(own_cli.json("apply", "-f", ".")) == {"created": 80, "unchanged": 1}
    own_cli.ok("local", "stop")
    (data / "data.mdb").write_bytes(older)
    assert counts(own_cli.json("apply", "-f", ".")) == {"created": 80, "unchanged": 1}
