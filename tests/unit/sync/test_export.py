"""What an export reads and how it says it, over a real server. Whether it comes back the same is tested with every
engine in tests/contract; folders of files in test_export_files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from manifests import parse
from reconciler import DigestAnswer, ResourceKey
from stigmer.backend import GrpcBackend
from stigmer.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from stigmer.sync import export_read
from stigmer.sync.export import Exported, Oversized, Writing, export
from stigmer.sync.export_read import ALL_ORGS, Reading, Selection
from stigmer.sync.export_stream import SEPARATORS, StreamSink
from stigmer.sync.spool import Spool

API = "agentic.stigmer.ai/v1"
ESTATE = f"""
apiVersion: {API}
kind: AgentInstance
metadata: {{name: bot-eu}}
spec: {{agent: bot, environments: [base]}}
---
apiVersion: {API}
kind: Agent
metadata: {{name: Bot, labels: {{team: core}}, protect: true}}
spec: {{instructions: Help people., skills: [acme/triage], config: {{tokens: 10}}}}
---
apiVersion: {API}
kind: Agent
metadata: {{name: Auditor of old, slug: auditor}}
spec: {{instructions: Help people.}}
---
apiVersion: {API}
kind: Skill
metadata: {{name: triage, org: acme}}
spec: {{skillMd: "# Triage\\n"}}
---
apiVersion: {API}
kind: Environment
metadata: {{name: base}}
spec: {{data: {{REGION: eu}}}}
"""


def run(backend: Any, form: Any = "yaml", **selected: Any) -> tuple[str, Exported, list[object]]:
    events: list[object] = []
    pieces: list[bytes] = []
    transform = selected.pop("transform", None)
    selection = Selection(**{"kinds": tuple(backend.contract.kinds.values()), "org": ALL_ORGS} | selected)
    with Spool() as spool:
        sink = StreamSink(spool, SEPARATORS[form], pieces.append)
        done = export(selection, backend, "local", sink, form=form, transform=transform, emit=events.append)
    return b"".join(pieces).decode(), done, events


def names(text: str) -> list[str]:
    found = []
    for each in yaml.safe_load_all(text):
        metadata = each["metadata"]
        found.append(f"{metadata.get('org', 'local')}/{each['kind']}/{metadata.get('slug', metadata['name'])}")
    return found


@pytest.fixture
def filled(bench: Any) -> Any:
    bench.write("all.yaml", ESTATE)
    bench.apply()
    return bench


def test_resources_come_in_the_order_in_which_they_can_be_applied(filled: Any) -> None:
    text, done, events = run(filled.backend)
    assert names(text) == [
        "acme/Skill/triage",
        "local/Environment/base",
        "local/Agent/auditor",
        "local/Agent/Bot",
        "local/AgentInstance/bot-eu",
    ]
    assert done == Exported(5, 1)
    assert [each for each in events if isinstance(each, Writing)] == [Writing(0, 5)]
    assert Reading(5) in events


def test_a_manifest_says_only_what_a_manifest_may_say(filled: Any) -> None:
    text, _, _ = run(filled.backend, kinds=(filled.backend.contract.kinds["Agent"],), org="")
    assert (
        text
        == f"""\
apiVersion: {API}
kind: Agent
metadata:
  name: Auditor of old
  slug: auditor
spec:
  instructions: Help people.
---
apiVersion: {API}
kind: Agent
metadata:
  name: Bot
  labels:
    team: core
  protect: true
spec:
  instructions: Help people.
  skills:
    - acme/triage
  config:
    tokens: "10"
"""
    )


def test_json_is_one_object_in_each_line_and_says_the_same(filled: Any) -> None:
    as_yaml, _, _ = run(filled.backend)
    as_json, _, _ = run(filled.backend, "json")
    assert len(as_json.splitlines()) == 5
    values = [each.value for each in parse(as_json.encode(), "a.json").documents]
    assert values == [each.value for each in parse(as_yaml.encode(), "a.yaml").documents]


def test_a_selector_narrows_and_an_org_keeps_the_others_out(filled: Any) -> None:
    assert names(run(filled.backend, selector="team=core")[0]) == ["local/Agent/Bot"]
    assert names(run(filled.backend, org="acme")[0]) == ["acme/Skill/triage"]
    assert "local/Agent/Bot" in names(run(filled.backend, org="local")[0])
    assert run(filled.backend, org="nobody")[0] == ""


def test_named_resources_come_alone(filled: Any) -> None:
    keys = (ResourceKey("Agent", "local", "bot"), ResourceKey("Environment", "local", "base"))
    assert names(run(filled.backend, kinds=(), keys=keys)[0]) == ["local/Environment/base", "local/Agent/Bot"]


def test_names_without_a_resource_are_all_said(filled: Any) -> None:
    with pytest.raises(NotFound, match="agent not found: nobody"):
        run(filled.backend, keys=(ResourceKey("Agent", "local", "nobody"),))
    with pytest.raises(NotFound) as caught:
        run(filled.backend, keys=tuple(ResourceKey("Agent", "local", name) for name in ("bot", "x", "y")))
    assert [each.key for each in caught.value.violations] == ["local/Agent/x", "local/Agent/y"]


def test_a_default_instance_is_not_exported_even_by_name(filled: Any) -> None:
    with pytest.raises(InvalidArgument, match="default instance of agent bot"):
        run(filled.backend, keys=(ResourceKey("AgentInstance", "local", "bot-default"),))


class Meddling:
    """A backend in which somebody writes while it is read: `meddle` is called after each call of `method`."""

    def __init__(self, inner: GrpcBackend, method: str, meddle: Callable[[], None]) -> None:
        self._inner = inner
        self._method = method
        self._meddle = meddle

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name != self._method:
            return found
        return self._pages if name == "pages" else self._call

    def _pages(self, kind: Any, **options: Any) -> Iterator[Any]:
        yield from self._inner.pages(kind, **options)
        self._meddle()

    def _call(self, *given: Any) -> Any:
        answer = getattr(self._inner, self._method)(*given)
        self._meddle()
        return answer


def once(action: Callable[[], Any]) -> Callable[[], None]:
    """Meddles the first time only."""
    left = [action]

    def meddle() -> None:
        if left:
            left.pop()()

    return meddle


def skill(backend: GrpcBackend, slug: str, text: str = "# New\n", org: str = "") -> Any:
    resource = backend.contract.kinds["Skill"].message_class(metadata={"name": slug}, spec={"skill_md": text})
    return backend.create("Skill", resource, org=org)


def test_what_changes_while_it_is_read_is_exported_as_it_is_at_the_end(filled: Any) -> None:
    backend = filled.backend
    gone = skill(backend, "gone")
    steps = iter(range(100))

    def meddle() -> None:
        step = next(steps)
        if step == 3:
            live = backend.get("Environment", "base")
            live.spec.data["REGION"].value = "us"
            backend.update("Environment", live)
            backend.delete("Skill", resource_id=gone.metadata.id)
            skill(backend, "late")
            skill(backend, "first-of-its-org", org="newcomers")

    text, done, _ = run(Meddling(backend, "pages", meddle))
    assert "REGION: us" in text
    assert {"local/Skill/late", "newcomers/Skill/first-of-its-org"} <= set(names(text))
    assert "local/Skill/gone" not in names(text)
    quiet, again, _ = run(backend)
    assert (text, done) == (quiet, again)


def test_a_change_between_the_questions_is_caught_up_with_too(filled: Any) -> None:
    backend = filled.backend
    steps = iter(range(100))

    def meddle() -> None:
        if (step := next(steps)) < 9:
            skill(backend, f"s{step}", org=("local", "acme", "third")[step % 3])

    text, done, _ = run(Meddling(backend, "digests", meddle))
    assert (text, done) == run(backend)[:2]
    skill(backend, "trigger")
    text, done, _ = run(Meddling(Meddling(backend, "digests", meddle), "pages", once(lambda: skill(backend, "during"))))
    assert (text, done) == run(backend)[:2]
    assert done.resources == 5 + 9 + 2


@pytest.mark.parametrize("org", ["", "nobody", ALL_ORGS])
def test_an_org_that_is_still_empty_may_change_while_it_is_read(bench: Any, org: str) -> None:
    backend = bench.backend
    late = once(lambda: skill(backend, "late", org="local" if org == ALL_ORGS else org))
    kinds = tuple(backend.contract.kinds[name] for name in ("Skill", "Agent"))
    text, done, _ = run(Meddling(backend, "pages", late), org=org, kinds=kinds)
    assert done == Exported(1, 1)
    assert "name: late" in text


def test_a_selection_by_labels_is_of_one_revision_too(filled: Any) -> None:
    backend = filled.backend
    text, done, _ = run(Meddling(backend, "pages", once(lambda: skill(backend, "during"))), selector="team=core")
    assert (text, done) == run(backend, selector="team=core")[:2]


@pytest.mark.parametrize("selector", ["", "team=core"])
def test_a_backend_that_never_rests_is_given_up(filled: Any, selector: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_read, "MAX_ROUNDS", 3)
    monkeypatch.setattr(export_read, "MAX_SWEEPS", 3)
    backend = filled.backend
    numbers = iter(range(1_000))
    busy = Meddling(backend, "digests", lambda: skill(backend, f"a{next(numbers)}"))
    with pytest.raises(Aborted, match="kept changing"):
        run(Meddling(busy, "pages", lambda: skill(backend, f"b{next(numbers)}")), selector=selector)


def test_a_backend_that_was_restored_meanwhile_is_not_mixed_with_what_it_was(filled: Any) -> None:
    backend = filled.backend

    class Restored(Meddling):
        def digests(self, *given: Any) -> DigestAnswer:
            return replace(backend.digests(*given), epoch="another")

    with pytest.raises(Aborted, match="restored"):
        run(Restored(backend, "pages", once(lambda: skill(backend, "during"))))


def test_a_value_that_no_manifest_can_hold_stops_the_export_before_anything_is_given_out(filled: Any) -> None:
    workflow = filled.backend.contract.kinds["Workflow"].message_class(
        metadata={"name": "odd"},
        spec={"document": {"dsl": "1.0.0", "name": "odd"}, "do": [{"name": "a", "task": {"set": {"number_value": 1}}}]},
    )
    filled.backend.create("Workflow", workflow)
    given: list[bytes] = []

    class Careless(Meddling):
        """A backend that has taken a number which is none."""

        def pages(self, *asked: Any, **options: Any) -> Iterator[Any]:
            for page in filled.backend.pages(*asked, **options):
                for resource in page.resources:
                    if resource.metadata.slug == "odd":
                        resource.spec.do[0].task.set.number_value = float("nan")
                yield page

    backend = Careless(filled.backend, "digests", lambda: None)
    selection = Selection(tuple(filled.backend.contract.kinds.values()), org=ALL_ORGS)
    with pytest.raises(FailedPrecondition, match="local/Workflow/odd cannot be written"), Spool() as spool:
        export(selection, backend, "local", StreamSink(spool, b"", given.append), emit=lambda _: None)
    assert given == []


def test_a_text_that_indenting_makes_too_long_is_written_as_json_in_the_same_stream(filled: Any) -> None:
    skill(filled.backend, "long", "a\n" * 300_000)
    text, done, events = run(filled.backend)
    assert not [each for each in events if isinstance(each, Oversized)]
    parsed = parse(text.encode(), "a.yaml")
    assert parsed.diagnostics == ()
    assert len(parsed.documents) == done.resources
    assert [len(each.value["spec"]["skillMd"]) for each in parsed.documents if "skillMd" in each.value["spec"]] == [
        9,
        600_000,
    ]


def test_a_manifest_that_cannot_be_read_back_for_its_size_is_warned_of(filled: Any) -> None:
    skill(filled.backend, "huge", "é" * 600_000)
    _, _, events = run(filled.backend)
    (warning,) = [each for each in events if isinstance(each, Oversized)]
    assert warning.key == ResourceKey("Skill", "local", "huge")
    assert warning.size > 1_200_000


def test_a_transform_may_say_a_document_differently_and_has_no_place_in_a_stream(filled: Any) -> None:
    def transform(kind: Any, document: Any, place: Any) -> Any:
        assert place is None
        return {**document, "spec": {"skillMd": "changed"}} if kind.name == "Skill" else document

    text, _, _ = run(filled.backend, transform=transform)
    assert "skillMd: changed" in text
