"""The use cases as one path: what is loaded, observed, planned and written. Merging and loading are tested alone."""

from __future__ import annotations

import os
from typing import Any

import pytest

from stigmer.sync import Loading, Outcome, Status, delete

AGENT = """
apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata:
  name: {name}
  labels: {labels}
spec:
  instructions: {instructions}
"""


def agent(name: str, instructions: str = "Help people.", labels: str = "{}") -> str:
    return AGENT.format(name=name, instructions=instructions, labels=labels)


def messages(outcome: Outcome) -> list[str]:
    return [each.message for each in outcome.diagnostics]


def places(outcome: Outcome) -> list[tuple[str, int]]:
    return [(each.source.path.rsplit("/", 1)[-1], each.source.line) for each in outcome.diagnostics if each.source]


def test_a_second_apply_writes_nothing(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    first = bench.apply()
    assert first.status is Status.OK
    assert first.report.counts()["created"] == 1
    second = bench.apply()
    assert (second.status, second.revision) == (Status.OK, first.revision)
    assert second.plan.is_empty
    assert [str(key) for key in second.plan.unchanged] == ["local/Agent/a"]


def test_an_unchanged_tree_costs_one_call_and_reads_no_file(bench: Any) -> None:
    path = bench.write("a.yaml", agent("a"))
    old = path.stat().st_mtime - 100
    os.utime(path, (old, old))
    bench.apply()
    bench.apply()
    bench.methods()
    outcome = bench.apply()
    assert outcome.plan.is_empty
    assert bench.methods() == ["digests"]
    assert not any(isinstance(event, Loading) for event in bench.events[-1:])


def test_without_the_cache_the_answer_is_the_same(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    bench.apply()
    outcome = bench.apply(use_cache=False)
    assert outcome.plan.is_empty
    assert outcome.revision == 1


def test_a_change_by_somebody_else_is_seen_although_no_file_changed(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    bench.apply()
    bench.apply()
    bench.backend.delete("Agent", "a")
    outcome = bench.apply()
    assert outcome.report.counts()["created"] == 1


def test_a_label_removed_from_the_manifest_goes_and_one_set_by_hand_stays(bench: Any) -> None:
    bench.write("a.yaml", agent("a", labels="{ours: x, kept: y}"))
    bench.apply()
    live = bench.get("Agent", "a")
    live.metadata.labels["theirs"] = "z"
    bench.backend.update("Agent", live)
    bench.write("a.yaml", agent("a", labels="{kept: y}"))
    bench.apply()
    assert dict(bench.get("Agent", "a").metadata.labels) == {"kept": "y", "theirs": "z"}
    again = bench.apply()
    assert again.plan.is_empty


def test_what_the_manifest_does_not_say_of_the_spec_is_taken_back(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    bench.apply()
    live = bench.get("Agent", "a")
    live.spec.description = "added by hand"
    bench.backend.update("Agent", live)
    outcome = bench.apply()
    assert outcome.report.counts()["updated"] == 1
    assert "changed outside the manifest" in outcome.plan.changes[0].cause
    assert bench.get("Agent", "a").spec.description == ""


def test_one_failing_resource_keeps_the_others_out(bench: Any) -> None:
    bench.write("a.yaml", agent("a") + "---" + agent("b", instructions="short"))
    outcome = bench.apply()
    assert outcome.status is Status.FAILED
    assert places(outcome) == [("a.yaml", 16)]
    assert outcome.revision == 0
    assert bench.plan().plan is not None


def test_with_keep_going_independent_resources_are_written(bench: Any) -> None:
    bench.write("a.yaml", agent("a") + "---" + agent("b", instructions="short"))
    bench.write(
        "b.yaml",
        "apiVersion: agentic.stigmer.ai/v1\nkind: AgentInstance\nmetadata: {name: i}\nspec: {agent: b}\n",
    )
    outcome = bench.apply(keep_going=True)
    counts = outcome.report.counts()
    assert outcome.status is Status.PARTIAL
    assert (counts["created"], counts["failed"], counts["blocked"]) == (1, 1, 1)


def test_a_plan_finds_what_the_server_refuses_and_writes_nothing(bench: Any) -> None:
    bench.write("a.yaml", agent("a", instructions="short"))
    outcome = bench.plan()
    assert outcome.status is Status.INVALID
    assert messages(outcome) == ["spec.instructions: must be at least 10 characters"]
    assert bench.backend.server_info().revision == 0


def test_all_mistakes_of_all_files_come_in_one_run(bench: Any) -> None:
    bench.write("a.yaml", agent("a", instructions="short"))
    bench.write("b.yaml", agent("b") + "  nonsense: 1\n")
    bench.write("c.yaml", "a: [1\n")
    bench.write("d.yaml", agent("d") + "---" + agent("d"))
    outcome = bench.apply()
    assert outcome.status is Status.INVALID
    assert [name for name, _ in places(outcome)] == ["a.yaml", "b.yaml", "c.yaml", "d.yaml"]


def test_one_document_shows_all_its_mistakes(bench: Any) -> None:
    bench.write("a.yaml", agent("a", instructions="short") + "  nonsense: 1\n  skills: {}\n")
    assert messages(bench.apply()) == [
        "spec.instructions: must be at least 10 characters",
        'spec.nonsense: unknown field "nonsense"',
        "spec.skills: expected a list, got a map",
    ]


def test_a_mistyped_field_is_not_called_missing_too(bench: Any) -> None:
    bench.write("a.yaml", agent("a").replace("instructions:", "instrutions:"))
    assert messages(bench.apply()) == ['spec.instrutions: unknown field "instrutions"']


def test_rules_across_fields_and_constraints_come_together(bench: Any) -> None:
    bench.write(
        "w.yaml",
        "apiVersion: agentic.stigmer.ai/v1\nkind: Workflow\nmetadata: {name: w}\nspec:\n"
        "  tasks:\n    - {name: a, agent: x, dependsOn: [a]}\n    - {name: 'b c', agent: x}\n",
    )
    found = messages(bench.apply())
    assert found[0] == "spec.tasks[name=a].dependsOn: cycle: a -> a"
    assert any("does not match regex pattern" in each for each in found)


def test_a_dangling_reference_is_shown_where_it_stands(bench: Any) -> None:
    bench.write(
        "i.yaml",
        "apiVersion: agentic.stigmer.ai/v1\nkind: AgentInstance\nmetadata: {name: i}\nspec:\n  agent: ghost\n",
    )
    outcome = bench.apply()
    assert outcome.status is Status.INVALID
    assert messages(outcome) == ["spec.agent: there is no agent ghost"]
    assert places(outcome) == [("i.yaml", 5)]


def test_a_reference_to_a_broken_document_is_not_called_dangling(bench: Any) -> None:
    bench.write("a.yaml", agent("a") + "  nonsense: 1\n")
    bench.write(
        "i.yaml", "apiVersion: agentic.stigmer.ai/v1\nkind: AgentInstance\nmetadata: {name: i}\nspec: {agent: a}\n"
    )
    assert messages(bench.apply()) == ['spec.nonsense: unknown field "nonsense"']


def test_declining_writes_nothing(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    assert bench.apply(confirm=False).status is Status.DECLINED
    assert bench.backend.server_info().revision == 0


def test_deleting_what_files_declare_leaves_the_rest(bench: Any) -> None:
    path = bench.write("a.yaml", agent("a"))
    other = bench.write("b.yaml", agent("b"))
    bench.apply()
    other.unlink()
    outcome = bench.delete()
    assert outcome.report.counts()["deleted"] == 1
    assert bench.get("Agent", "b").metadata.slug == "b"
    assert bench.delete().plan.is_empty
    assert path.exists()


def test_values_from_outside_are_read_each_time(bench: Any) -> None:
    bench.write(
        "e.yaml",
        "apiVersion: agentic.stigmer.ai/v1\nkind: Environment\nmetadata: {name: e}\n"
        "spec: {data: {A: {valueFrom: {env: A}}, B: {valueFrom: {file: b.txt}}}}\n",
    )
    bench.write("b.txt", "from a file")
    bench.workspace.environ = {"A": "one"}
    bench.apply()
    bench.apply()
    bench.workspace.environ = {"A": "two"}
    assert bench.apply().report.counts()["updated"] == 1
    data = bench.get("Environment", "e").spec.data
    assert (data["A"].value, data["B"].value) == ("two", "from a file")


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/hostname"])
def test_a_file_outside_the_manifests_folder_is_refused(bench: Any, name: str) -> None:
    (bench.folder.parent / "outside.txt").write_text("x")
    bench.write(
        "e.yaml",
        f"apiVersion: agentic.stigmer.ai/v1\nkind: Skill\nmetadata: {{name: e}}\nspec: {{skillMd: {{file: {name}}}}}\n",
    )
    outcome = bench.apply()
    assert outcome.status is Status.INVALID
    assert places(outcome) == [("e.yaml", 4)]


def test_an_immutable_field_needs_permission_to_replace(bench: Any) -> None:
    server = "apiVersion: agentic.stigmer.ai/v1\nkind: McpServer\nmetadata: {name: m}\nspec: "
    bench.write("m.yaml", server + "{stdio: {command: a}}\n")
    bench.apply()
    before = bench.get("McpServer", "m").metadata.id
    bench.write("m.yaml", server + "{http: {url: 'https://a'}}\n")
    assert bench.apply().status is Status.REFUSED
    assert bench.apply(allow_replace=True).report.counts()["replaced"] == 1
    assert bench.get("McpServer", "m").metadata.id != before


def test_validating_finds_mistakes_and_ignores_guards(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    assert bench.validate().status is Status.OK
    bench.write("b.yaml", agent("b", instructions="short"))
    assert bench.validate().status is Status.INVALID
    assert bench.backend.server_info().revision == 0


def test_a_dry_run_of_a_delete_that_meets_a_change_still_plans_a_delete(bench: Any) -> None:
    bench.write("a.yaml", agent("a"))
    bench.apply()
    backend, meddled = bench.workspace.backend, []

    class Meddling:
        """Somebody changes the resource after it was observed and before the check is sent."""

        def __getattr__(self, name: str) -> Any:
            return getattr(backend, name)

        def apply_changes(self, changes: Any, options: Any) -> Any:
            if not meddled:
                live = bench.get("Agent", "a")
                live.spec.description = "changed meanwhile"
                meddled.append(bench.backend.update("Agent", live))
            return backend.apply_changes(changes, options)

    bench.workspace.backend = Meddling()
    outcome = delete(bench.request(dry_run=True), bench.workspace, confirm=lambda _: True, emit=bench.events.append)
    assert meddled
    assert [str(change.action) for change in outcome.plan.changes] == ["delete"]
