"""Resources as tables, pages, manifests and objects. Assumes tables and rendering tested elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stigmer.cli.output import Format, parse_format
from stigmer.cli.views.description import Description, Link, page_of
from stigmer.cli.views.page import print_page
from stigmer.cli.views.resources import Listing, Resource, age, print_resources

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def resource(slug: str, parent: str = "", conditions: list[dict[str, str]] | None = None, **metadata) -> Resource:
    created = (NOW - timedelta(minutes=5, seconds=30)).isoformat()
    manifest = {
        "apiVersion": "agentic.stigmer.ai/v1",
        "kind": "AgentInstance" if parent else "Agent",
        "metadata": {"name": slug.title(), "slug": slug, "generation": 2, "audit": {"createdAt": created}, **metadata},
        "spec": {"instructions": "Do as you are told."},
    }
    if parent:
        manifest["metadata"]["parent"] = parent
    if conditions:
        manifest["status"] = {"conditions": conditions}
    return Resource(manifest["kind"], manifest["kind"].lower(), manifest, "local")


BOT = resource("bot", labels={"team": "core"}, id="agt-1", resourceVersion=7)
MADE = resource("bot-default", parent="local/Agent/bot")


def show(listing: Listing, recorder, form: str = "table") -> None:
    allowed = ("table", "wide", "yaml", "json", "name", "jsonpath=EXPR")
    print_resources(listing, recorder.console, parse_format(form, allowed), NOW)


def test_a_list_is_a_table(pipe) -> None:
    show(Listing((BOT,), kinds=("agents",)), pipe)
    assert pipe.out == "NAME   STATUS   GENERATION   AGE\nbot    Ready    2            5m30s\n"


def test_the_wide_table_has_ids_revisions_and_labels(pipe) -> None:
    show(Listing((BOT,), kinds=("agents",)), pipe, "wide")
    assert pipe.out.splitlines()[1].split() == ["bot", "Ready", "2", "5m30s", "Bot", "agt-1", "7", "-", "team=core"]


def test_an_instance_made_by_the_server_is_marked(pipe) -> None:
    own = replace(resource("own"), kind="AgentInstance", singular="agentinstance")
    show(Listing((MADE, own), kinds=("agentinstances",)), pipe)
    assert "bot-default   Ready    2            5m30s   default of agent/bot" in pipe.out
    assert "own           Ready    2            5m30s   -" in pipe.out


def test_a_condition_that_is_not_met_is_the_state(pipe) -> None:
    unmet = resource("bot", conditions=[{"type": "SkillsResolved", "status": "True"}, {"type": "A", "status": "False"}])
    show(Listing((unmet,)), pipe)
    assert "A=False" in pipe.out


def test_several_kinds_are_several_tables(pipe) -> None:
    show(Listing((BOT, MADE), kinds=("agents", "agentinstances")), pipe)
    assert pipe.out.count("NAME") == 2
    assert "\n\nTYPE" in pipe.out


def test_several_orgs_have_a_column(pipe) -> None:
    show(Listing((BOT,), kinds=("agents",), several_orgs=True), pipe)
    assert pipe.out.startswith("ORG     NAME")


def test_default_instances_are_left_out_of_a_list_of_manifests(pipe) -> None:
    show(Listing((BOT, MADE), kinds=("agents", "agentinstances")), pipe, "yaml")
    assert pipe.out.count("apiVersion") == 1
    assert "1 default instance left out" in pipe.err


def test_a_default_instance_that_is_named_is_printed(pipe) -> None:
    show(Listing((MADE,), single=True), pipe, "yaml")
    assert "slug: bot-default" in pipe.out


def test_one_resource_is_an_object_and_a_list_has_items(pipe) -> None:
    show(Listing((BOT,), single=True), pipe, "json")
    assert json.loads(pipe.out)["metadata"]["slug"] == "bot"


def test_a_list_of_one_is_a_list(pipe) -> None:
    show(Listing((BOT,), kinds=("agents",)), pipe, "json")
    assert [item["kind"] for item in json.loads(pipe.out)["items"]] == ["Agent"]


def test_names_can_be_given_back_to_a_command(pipe) -> None:
    show(Listing((BOT, MADE)), pipe, "name")
    assert pipe.out == "agent/bot\nagentinstance/bot-default\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (330, "5m30s"), (660, "11m"), (3600, "1h"), (5400, "1h30m"), (90000, "1d1h")],
)
def test_an_age_has_its_two_largest_units(seconds: int, text: str) -> None:
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == text


def test_a_clock_that_runs_ahead_is_no_negative_age() -> None:
    assert age((NOW + timedelta(hours=1)).isoformat(), NOW) == "0s"
    assert age("", NOW) == "-"


def test_a_description_is_a_page_with_all_its_parts(pipe) -> None:
    described = Description(
        resource=resource(
            "bot",
            conditions=[{"type": "SkillsResolved", "status": "False", "reason": "NotFound", "message": "no x\x1b[2J"}],
            labels={"a": "1", "b": "2"},
        ),
        links=[Link("spec.skills[0]", "Skill/x", found=False)],
        managers=[("stigmer", 3), ("ana", 1)],
        default_instance="AgentInstance/bot-default (ain-1)",
        spec="instructions: Do as you are told.\n",
    )
    print_page(page_of(described, NOW), pipe.console)
    lines = pipe.out.splitlines()
    assert lines[0] == "Agent bot"
    assert "Labels             a=1" in lines
    assert "                   b=2" in lines
    assert "Declared by        stigmer (3 fields)" in lines
    assert "                   ana (1 field)" in lines
    assert "  SkillsResolved   False    NotFound   no x[2J" in lines
    assert "  spec.skills[0]   Skill/x   missing" in lines
    assert lines[-1] == "  instructions: Do as you are told."


def test_a_page_leaves_empty_parts_out(pipe) -> None:
    described = Description(BOT, links=[], managers=[], default_instance="", spec="")
    print_page(page_of(described, NOW), pipe.console)
    assert "Conditions" not in pipe.out
    assert "References" not in pipe.out
    assert "Spec" not in pipe.out
    assert Format("table").for_people
