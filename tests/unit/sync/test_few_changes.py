"""A few files of a large set have changed: only they are read, and the answer is the same as if all had been."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from stigmer.sync import Status, desired
from stigmer.sync.index import encode_entries, needle
from stigmer.sync.request import Observing

FILES = 90
TICK_SECONDS = 0.03
"""Longer than the time within which two writes may get one timestamp."""

AGENT = """\
apiVersion: agentic.stigmer.ai/v1
kind: Agent
metadata: {{name: agent-{0}}}
spec:
  instructions: Answer questions about topic {1}.
"""
INSTANCE = """\
apiVersion: agentic.stigmer.ai/v1
kind: AgentInstance
metadata: {{name: {0}}}
spec: {{agent: {1}}}
"""


def settle(bench: Any) -> None:
    """Apply until nothing is read any more."""
    for _ in range(50):
        time.sleep(TICK_SECONDS)
        bench.events.clear()
        assert bench.apply().status is Status.OK
        if not any(isinstance(event, Observing) for event in bench.events):
            return
    raise AssertionError("the cache never came to trust the files")


@pytest.fixture
def estate(bench: Any) -> Any:
    for number in range(FILES):
        bench.write(f"{number % 7}/{number:03}.yaml", AGENT.format(number, number))
    settle(bench)
    return bench


def reads(bench: Any, monkeypatch: pytest.MonkeyPatch, act: Any) -> tuple[Any, list[str]]:
    """The outcome of an act, and the names of the files that it read."""
    seen: list[str] = []
    real = desired.parse
    with monkeypatch.context() as patch:
        patch.setattr(
            desired, "parse", lambda data, path, *rest: seen.append(Path(path).name) or real(data, path, *rest)
        )
        return act(), seen


def same_as_without_cache(bench: Any) -> Any:
    quick, thorough = bench.plan(), bench.plan(use_cache=False)
    assert quick.status is thorough.status
    assert quick.diagnostics == thorough.diagnostics
    assert (quick.files, quick.documents) == (thorough.files, thorough.documents)
    if thorough.plan is not None:
        assert quick.plan.to_json() == thorough.plan.to_json()
        assert sorted(quick.plan.unchanged) == sorted(thorough.plan.unchanged)
    return quick


def test_only_the_changed_file_is_read_and_only_its_resource_asked_for(
    estate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate.write("3/003.yaml", AGENT.format(3, "three"))
    estate.recording.calls.clear()
    outcome, seen = reads(estate, monkeypatch, estate.apply)
    assert (outcome.status, seen) == (Status.OK, ["003.yaml"])
    assert outcome.report.counts()["updated"] == 1
    assert outcome.report.counts()["unchanged"] == FILES - 1
    again, seen = reads(estate, monkeypatch, estate.apply)
    assert again.plan.is_empty
    assert set(seen) <= {"003.yaml"}
    settle(estate)
    assert reads(estate, monkeypatch, estate.apply)[1] == []


def test_new_and_vanished_files_count(estate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    estate.write("new/one.yaml", AGENT.format("new", "new"))
    (estate.folder / "0/007.yaml").unlink()
    outcome, seen = reads(estate, monkeypatch, lambda: same_as_without_cache(estate))
    assert seen[0] == "one.yaml"
    assert [change.key.slug for change in outcome.plan.writes] == ["agent-new"]
    assert outcome.documents == FILES
    assert estate.apply().report.counts()["unchanged"] == FILES - 1
    settle(estate)


def test_a_resource_that_an_unchanged_file_declares_too_is_found(estate: Any) -> None:
    estate.write("new/copy.yaml", AGENT.format(12, "twelve again"))
    outcome = same_as_without_cache(estate)
    assert outcome.status is Status.INVALID
    assert "declared twice" in outcome.diagnostics[0].message


def test_references_are_checked_against_unchanged_files_too(estate: Any) -> None:
    estate.write("new/good.yaml", INSTANCE.format("good", "agent-8"))
    assert same_as_without_cache(estate).status is Status.OK
    estate.write("new/bad.yaml", INSTANCE.format("bad", "agent-800"))
    outcome = same_as_without_cache(estate)
    assert outcome.status is Status.INVALID
    assert "there is no agent agent-800" in outcome.diagnostics[0].message


def test_what_somebody_did_to_the_rest_is_seen_all_the_same(estate: Any) -> None:
    kind = estate.workspace.contract.kinds["Agent"]
    live = estate.backend.get(kind, "agent-50", "")
    live.spec.instructions = "Do something else entirely."
    estate.backend.update(kind, live)
    estate.backend.delete(kind, "agent-51", "")
    estate.write("3/003.yaml", AGENT.format(3, "three"))
    outcome = same_as_without_cache(estate)
    assert {change.key.slug for change in outcome.plan.writes} == {"agent-3", "agent-50", "agent-51"}


def test_a_broken_file_among_many_is_reported(estate: Any) -> None:
    estate.write("3/003.yaml", AGENT.format(3, "three").replace("instructions", "instruction"))
    assert same_as_without_cache(estate).status is Status.INVALID
    estate.write("3/003.yaml", "# nothing any more\n")
    assert same_as_without_cache(estate).status is Status.OK


@pytest.mark.parametrize("seed", range(3))
def test_any_history_of_edits_gives_the_plan_of_a_thorough_look(estate: Any, seed: int) -> None:
    chance = random.Random(seed)
    history(estate, chance, steps=12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_any_long_history_of_edits_gives_the_plan_of_a_thorough_look(estate: Any, seed: int) -> None:
    history(estate, random.Random(seed), steps=60)


def history(bench: Any, chance: random.Random, steps: int) -> None:
    """Edits, adds, removes, renames, touches and foreign writes, with an apply now and then."""
    for step in range(steps):
        chance.choice([edit, edit, remove, rename, touch, meddle, delete, apply, apply])(bench, chance, step)
        if chance.random() < 0.3:
            time.sleep(TICK_SECONDS)
        same_as_without_cache(bench)


def a_file(bench: Any, chance: random.Random) -> tuple[int, Path]:
    number = chance.randrange(FILES + 5)
    return number, bench.folder / f"{number % 7}/{number:03}.yaml"


def edit(bench: Any, chance: random.Random, step: int) -> None:
    number, path = a_file(bench, chance)
    path.write_text(AGENT.format(number, f"{number}, step {step}"))


def remove(bench: Any, chance: random.Random, step: int) -> None:
    a_file(bench, chance)[1].unlink(missing_ok=True)


def rename(bench: Any, chance: random.Random, step: int) -> None:
    number, path = a_file(bench, chance)
    path.write_text(AGENT.format(chance.choice([number, number + 1, f"{number}-new"]), step))


def touch(bench: Any, chance: random.Random, step: int) -> None:
    path = a_file(bench, chance)[1]
    if path.exists():
        path.touch()


def meddle(bench: Any, chance: random.Random, step: int) -> None:
    kind = bench.workspace.contract.kinds["Agent"]
    live = found(bench, kind, a_file(bench, chance)[0])
    if live is not None:
        live.metadata.labels["seen"] = str(step)
        if chance.random() < 0.5:
            live.spec.instructions = f"Changed by somebody in step {step}."
        bench.backend.update(kind, live)


def delete(bench: Any, chance: random.Random, step: int) -> None:
    kind = bench.workspace.contract.kinds["Agent"]
    number = a_file(bench, chance)[0]
    if found(bench, kind, number) is not None:
        bench.backend.delete(kind, f"agent-{number}", "")


def apply(bench: Any, chance: random.Random, step: int) -> None:
    bench.apply()


def found(bench: Any, kind: Any, number: int) -> Any:
    from stigmer.errors import NotFound

    try:
        return bench.backend.get(kind, f"agent-{number}", "")
    except NotFound:
        return None


def test_the_index_can_be_searched_for_a_key_as_it_lies_there() -> None:
    from reconciler import Origin, Reference, ResourceKey
    from stigmer.sync.index import Entry

    key, other = ResourceKey("Agent", "local", "a"), ResourceKey("AgentInstance", "local", "a-b")
    entry = Entry(other, b"\0" * 32, Origin("f.yaml", 1), (Reference("spec.agent", key),))
    assert needle(other) in encode_entries([entry])
    assert needle(key) not in encode_entries([entry])
    assert needle(ResourceKey("AgentInstance", "local", "a")) not in encode_entries([entry])
