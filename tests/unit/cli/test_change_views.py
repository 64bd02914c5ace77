"""How a change report looks to people and to programs. Assumes field-level differences tested elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from manifests import Diagnostic, Severity, Source
from stigmer.cli.output import Format, parse_format
from stigmer.cli.views.changes import OUTCOMES, ChangeLine, ChangeReport, ErrorLine, FieldLine, Verb, failed_report
from stigmer.cli.views.human import HumanView
from stigmer.cli.views.json import JsonView
from stigmer.cli.views.name import NameView
from stigmer.cli.views.progress import Progress
from stigmer.cli.views.validation import ValidationView
from stigmer.errors import InvalidArgument, Unavailable, Violation

CREATED = ChangeLine(
    "Environment", "staging", "local", "create", "created", "new at env.yaml:1", file="env.yaml", line=1, id="env-01"
)
UPDATED = ChangeLine(
    "Agent",
    "bot",
    "local",
    "update",
    "updated",
    "manifest changed at bot.yaml:1",
    fields=(FieldLine("spec.description", "replace", "old", "new", "manifest changed"),),
    file="bot.yaml",
    line=1,
    id="agt-01",
)
REPLACED = ChangeLine("McpServer", "files", "local", "replace", "replaced", id="mcp-02")
UNCHANGED = ChangeLine("Skill", "triage", "local", "noop", "unchanged")


def summary(**counts: int) -> dict[str, int]:
    return dict.fromkeys(OUTCOMES, 0) | counts


DONE = ChangeReport(
    verb="apply",
    status="ok",
    changes=(CREATED, UPDATED, REPLACED),
    summary=summary(created=1, updated=1, replaced=1, unchanged=12),
    revision=7,
    committed=True,
)


def planned_of(report: ChangeReport, verb: Verb = "plan") -> ChangeReport:
    lines = tuple(replace(line, outcome="") for line in report.changes)
    return replace(report, verb=verb, changes=lines, planned=True, committed=False)


def draw(report: ChangeReport, recorder, form: Format | None = None) -> None:
    view = HumanView(recorder.console, form or Format("table"), Progress(recorder.console))
    view.planned(planned_of(report))
    view.finished(report)


def test_an_apply_shows_what_changes_then_a_table_then_the_counts(pipe) -> None:
    draw(DONE, pipe)
    assert pipe.out == (
        "+ Environment/staging  (env.yaml:1)\n"
        "~ Agent/bot  (manifest changed at bot.yaml:1)\n"
        '    ~ spec.description: "old" → "new"\n'
        "± McpServer/files\n"
        "TYPE          NAME      STATUS     ID\n"
        "Environment   staging   created    env-01\n"
        "Agent         bot       updated    agt-01\n"
        "McpServer     files     replaced   mcp-02\n"
        "1 created, 1 updated, 1 replaced, 12 unchanged\n"
    )
    assert pipe.err == "✓ applied at revision 7\n"


def test_the_wide_table_adds_org_source_and_cause(pipe) -> None:
    draw(replace(DONE, changes=(CREATED,)), pipe, Format("wide"))
    assert "TYPE          NAME      STATUS    ID       ORG     SOURCE       CAUSE" in pipe.out
    assert "Environment   staging   created   env-01   local   env.yaml:1   new at env.yaml:1" in pipe.out


def test_a_plan_has_no_table_and_counts_what_would_happen(pipe) -> None:
    draw(planned_of(DONE), pipe)
    assert "STATUS" not in pipe.out
    assert pipe.out.endswith("1 to create, 1 to update, 1 to replace, 12 unchanged\n")
    assert pipe.err == ""


def test_nothing_to_do_is_said_with_the_revision(pipe) -> None:
    draw(replace(DONE, changes=(), summary=summary(unchanged=3), committed=False), pipe)
    assert pipe.out == "3 unchanged\n"
    assert pipe.err == "✓ nothing to do at revision 7\n"


def test_unchanged_resources_are_listed_when_asked_for(pipe) -> None:
    draw(replace(DONE, changes=(UNCHANGED,), summary=summary(unchanged=1), committed=False), pipe)
    assert "Skill   triage   unchanged   -" in pipe.out


def test_the_org_is_shown_where_there_are_several(pipe) -> None:
    draw(replace(DONE, changes=(CREATED, replace(CREATED, org="acme"))), pipe)
    assert "+ local/Environment/staging" in pipe.out
    assert "+ acme/Environment/staging" in pipe.out


def test_colour_is_for_terminals(pipe, terminal) -> None:
    draw(DONE, pipe)
    draw(DONE, terminal)
    assert "\x1b" not in pipe.out + pipe.err
    assert "\x1b[33m~ Agent/bot" in terminal.out
    assert "\x1b[32m✓\x1b[0m" in terminal.err


def test_a_name_cannot_drive_the_terminal(terminal) -> None:
    evil = replace(CREATED, slug="a\x1b]0;owned\x07b", cause="c\x1b[2J")
    draw(replace(DONE, changes=(evil,)), terminal, Format("wide"))
    assert "\x1b]0" not in terminal.out
    assert "\x1b[2J" not in terminal.out


def test_a_refused_change_says_why_and_what_would_allow_it(pipe) -> None:
    refused = replace(
        REPLACED,
        outcome="skipped",
        file="mcp.yaml",
        line=4,
        error=ErrorLine("IMMUTABLE", "spec.http cannot change in place", "--allow-replace allows it"),
    )
    report = replace(DONE, status="refused", changes=(refused,), summary=summary(skipped=1), committed=False)
    draw(report, pipe)
    assert "✗ mcp.yaml:4: spec.http cannot change in place\n  --allow-replace allows it\n" in pipe.err
    assert pipe.err.endswith("✗ refused: nothing was applied\n")


MISTAKE = Diagnostic(
    Severity.ERROR,
    'unknown field "instrctions"',
    Source("bot.yaml", 0, 5, 3),
    "  instrctions: x",
    hint='did you mean "instructions"?',
    code="unknown-field",
)


def test_invalid_manifests_are_shown_with_the_line_and_a_caret(pipe) -> None:
    draw(ChangeReport(status="invalid", diagnostics=(MISTAKE,)), pipe)
    assert 'bot.yaml:5:3: error: unknown field "instrctions"' in pipe.err
    assert "5 |   instrctions: x\n      |   ^^^^^^^^^^^" in pipe.err
    assert 'did you mean "instructions"?' in pipe.err
    assert pipe.err.endswith("✗ 1 error found: nothing was applied\n")
    assert pipe.out == ""


def test_a_thousand_mistakes_are_counted_after_the_first_hundred(pipe) -> None:
    draw(ChangeReport(status="invalid", diagnostics=(MISTAKE,) * 1000), pipe)
    assert pipe.err.count("bot.yaml:5:3: error") == 100
    assert "900 more" in pipe.err


@pytest.mark.parametrize(
    ("committed", "revision", "text"),
    [
        (False, 3, "interrupted before the commit: nothing was changed"),
        (True, 4, "interrupted after the commit: the changes were made, at revision 4"),
        (None, 0, "it is not known whether the changes were made"),
    ],
)
def test_an_interrupted_apply_says_whether_it_was_committed(committed, revision, text, pipe) -> None:
    draw(ChangeReport(status="interrupted", committed=committed, revision=revision), pipe)
    assert text in pipe.err


def test_a_run_whose_outcome_is_unknown_says_so(pipe) -> None:
    draw(ChangeReport(status="failed", committed=None), pipe)
    assert "not known whether" in pipe.err


def test_validate_shows_mistakes_only(pipe) -> None:
    view = ValidationView(pipe.console, Progress(pipe.console))
    report = ChangeReport(verb="validate", status="ok", changes=(CREATED,), planned=True, documents=3, files=1)
    view.planned(report)
    view.finished(report)
    assert pipe.out == ""
    assert pipe.err == "✓ 3 manifests in 1 file checked: nothing is wrong\n"


def test_the_json_object_has_every_key_and_nothing_else_is_printed(pipe) -> None:
    view = JsonView(pipe.console, Format("json"))
    view.planned(planned_of(DONE))
    view.finished(DONE)
    value = json.loads(pipe.out)
    assert {"changes", "summary", "revision", "diagnostics"} <= value.keys()
    assert list(value["summary"]) == list(OUTCOMES)
    assert value["revision"] == 7
    change = value["changes"][1]
    assert {"kind", "slug", "org", "action", "outcome", "cause", "fields", "source"} <= change.keys()
    assert change["source"] == {"file": "bot.yaml", "line": 1}
    assert change["fields"][0]["path"] == "spec.description"
    assert {"path", "op", "before", "after"} <= change["fields"][0].keys()
    assert pipe.err == ""


def test_outcomes_of_a_plan_are_null(pipe) -> None:
    JsonView(pipe.console, Format("json")).finished(planned_of(DONE))
    assert [change["outcome"] for change in json.loads(pipe.out)["changes"]] == [None, None, None]


def test_json_of_an_error_is_the_same_object(pipe) -> None:
    error = InvalidArgument("2 things are wrong", violations=[Violation("spec.a", "is bad", key="local/Agent/x")])
    JsonView(pipe.console, Format("json")).finished(failed_report(error))
    value = json.loads(pipe.out)
    assert value["changes"] == []
    assert value["summary"] == summary()
    assert value["diagnostics"][0]["message"] == "local/Agent/x spec.a: is bad"
    assert value["error"]["code"] == "INVALID_ARGUMENT"


def test_an_error_without_violations_is_one_diagnostic() -> None:
    (item,) = failed_report(Unavailable("nobody answers", hint="start it")).diagnostics
    assert (item.severity, item.message, item.hint) == (Severity.ERROR, "nobody answers", "start it")


def test_yaml_prints_the_same_object(pipe) -> None:
    JsonView(pipe.console, Format("yaml")).finished(DONE)
    assert "summary:\n  created: 1\n  updated: 1\n" in pipe.out


def test_a_jsonpath_looks_into_the_same_object(pipe) -> None:
    form = parse_format("jsonpath={.summary.created} {.changes[*].slug}", ("jsonpath=EXPR",))
    JsonView(pipe.console, form).finished(DONE)
    assert pipe.out == "1 staging bot files\n"


def test_names_can_be_given_back_to_a_command(pipe) -> None:
    NameView(pipe.console).finished(DONE)
    assert pipe.out == "environment/staging\nagent/bot\nmcpserver/files\n"
