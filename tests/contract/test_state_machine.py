"""R6: random operations over a real channel against a server and a dictionary side by side, on every store, with
restarts where the store survives them. Skills, and agents that require them, stand for all kinds."""

from __future__ import annotations

import copy
import itertools
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from reconciler.digests import DigestTree
from stigmer.contract import default_contract
from stigmer.store.engines import ENGINES

from .harness import Client, RunningServer

SKILL, AGENT = "Skill", "Agent"
SLUGS = {SKILL: ["s0", "s1", "s2"], AGENT: ["a0", "a1"]}
CREATE, UPDATE, DELETE = 1, 2, 3
CREATED, UPDATED, UNCHANGED, DELETED = 1, 2, 7, 3

kinds_and_slugs = st.sampled_from([(kind, slug) for kind, slugs in SLUGS.items() for slug in slugs])
texts = st.sampled_from(["", "text one", "text two"])
skills = st.lists(st.sampled_from(SLUGS[SKILL]), max_size=2, unique=True).map(lambda each: tuple(sorted(each)))
changes = st.lists(
    st.tuples(st.sampled_from([CREATE, UPDATE, DELETE]), kinds_and_slugs, texts, skills),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each[1],
)


@dataclass(frozen=True)
class Thing:
    """What the model knows of one resource."""

    description: str
    skills: tuple[str, ...] = ()


@dataclass
class Model:
    things: dict[tuple[str, str], Thing] = field(default_factory=dict)
    revision: int = 0

    def dangling(self, things):
        """The keys that require something that is not there."""
        return {key for key, thing in things.items() if any((SKILL, slug) not in things for slug in thing.skills)}


class Machine(RuleBasedStateMachine):
    def __init__(self, engine):
        super().__init__()
        self.engine = engine
        self.folder = Path(tempfile.mkdtemp())
        self.model = Model()
        self.stale: dict[tuple[str, str], str] = {}
        self.ids = itertools.count()
        self.open()

    def open(self):
        self.server = RunningServer(default_contract(), self.engine, self.folder)
        self.channel = grpc.insecure_channel(self.server.address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.client = Client(self.server.contract, self.channel)

    def close(self):
        self.channel.close()
        self.server.stop()

    def teardown(self):
        self.close()
        shutil.rmtree(self.folder)

    @precondition(lambda self: self.engine != "memory")
    @rule()
    def restart(self):
        self.close()
        self.open()

    @rule(key=kinds_and_slugs, text=texts, uses=skills)
    def create(self, key, text, uses):
        resource = self.resource(key, text, uses)
        expected = "ALREADY_EXISTS" if key in self.model.things else self.refusal(key, resource)
        self.attempt(expected, lambda: self.client.create(self.kind(key), resource))
        if expected is None:
            self.write({**self.model.things, key: thing_of(resource)})

    @rule(key=kinds_and_slugs, text=texts, uses=skills, repeat=st.booleans())
    def update_by_mask(self, key, text, uses, repeat):
        resource = self.resource(key, text, uses)
        expected = "NOT_FOUND" if key not in self.model.things else self.refusal(key, resource)
        mask = ["spec.description"] + (["spec.skills"] if key[0] == AGENT else [])
        request_id = f"r{next(self.ids)}"
        send = lambda: self.client.update(self.kind(key), resource, *mask, request_id=request_id)  # noqa: E731
        first = self.attempt(expected, send)
        if repeat:
            assert self.attempt(expected, send) == first
        if expected is None:
            self.write({**self.model.things, key: thing_of(resource)})

    @rule(key=kinds_and_slugs, text=texts, stale=st.booleans())
    def update_by_etag(self, key, text, stale):
        if key not in self.model.things:
            return
        resource = self.client.get(self.kind(key), key[1], "local")
        if stale:
            if self.stale.get(key, resource.metadata.etag) == resource.metadata.etag:
                return
            resource.metadata.etag = self.stale[key]
        resource.spec.description = text
        self.attempt("ABORTED" if stale else None, lambda: self.client.update(self.kind(key), resource))
        if not stale:
            self.stale[key] = resource.metadata.etag
            self.write({**self.model.things, key: thing_of(resource)})

    @rule(key=kinds_and_slugs, dry=st.booleans())
    def delete(self, key, dry):
        left = {each: thing for each, thing in self.model.things.items() if each != key}
        expected = None
        if key not in self.model.things:
            expected = "NOT_FOUND"
        elif self.model.dangling(left):
            expected = "FAILED_PRECONDITION"
        self.attempt(expected, lambda: self.client.delete(self.kind(key), key[1], "local", validate_only=dry))
        if expected is None and not dry:
            self.write(left)

    @rule(batch=changes, independent=st.booleans(), dry=st.booleans())
    def apply(self, batch, independent, dry):
        wanted = {key: (action, self.resource(key, text, uses)) for action, key, text, uses in batch}
        good = self.survivors(wanted) if independent else self.all_or_nothing(wanted)
        response = self.client.apply(
            *(self.change(key, *each) for key, each in wanted.items()), independent=independent, validate_only=dry
        )
        ok = {
            (each.key.kind, each.key.slug)
            for each in response.results
            if each.outcome in (CREATED, UPDATED, UNCHANGED, DELETED)
        }
        assert ok == good, (batch, response)
        after = self.applied(wanted, good)
        assert response.committed == (not dry and after != self.model.things)
        if not dry:
            self.write(after)

    @invariant()
    def the_lists_agree(self):
        for name in (SKILL, AGENT):
            found = self.client.items(self.server.contract.kinds[name], page_size=2)
            assert {(name, each.metadata.slug): thing_of(each) for each in found} == {
                key: thing for key, thing in self.model.things.items() if key[0] == name
            }

    @invariant()
    def instances_are_those_of_the_agents(self):
        found = self.client.items(self.server.contract.kinds["AgentInstance"])
        expected = {f"{slug}-default" for kind, slug in self.model.things if kind == AGENT}
        assert {each.metadata.slug for each in found} == expected

    @invariant()
    def the_digest_tree_agrees(self):
        pages = list(self.client.stream("ListDigests"))
        entries = [(each.kind, each.slug, each.digest) for page in pages for each in page.entries]
        assert {(kind, slug) for kind, slug, _ in entries} == set(self.model.things)
        (equal,) = self.client.stream("ListDigests", buckets=DigestTree(entries).to_bytes())
        assert equal.scope == 1
        assert equal.revision == self.model.revision

    @invariant()
    def the_log_tells_the_same_story(self):
        if not self.model.revision:
            return
        stream = self.client.stream("Watch", since_revision=0)
        assert next(stream).revision == self.model.revision
        story: dict[tuple[str, str], int] = {}
        for expected, message in enumerate(itertools.islice(stream, self.model.revision), start=1):
            assert message.revision == expected
            for event in message.events:
                story[event.key.kind, event.key.slug] = event.type
        stream.cancel()
        alive = {key for key, last in story.items() if last != DELETED and key[0] in SLUGS}
        assert alive == set(self.model.things)

    def kind(self, key):
        return self.server.contract.kinds[key[0]]

    def resource(self, key, text, uses):
        spec = {"description": text}
        if key[0] == SKILL:
            spec["skill_md"] = "# Constant\n"
        else:
            spec |= {"instructions": "Constant instructions.", "skills": uses}
        return self.kind(key).message_class(metadata={"slug": key[1], "org": "local"}, spec=spec)

    def refusal(self, key, resource):
        """Why writing `resource` is refused, if it is."""
        after = {**self.model.things, key: thing_of(resource)}
        return "FAILED_PRECONDITION" if key in self.model.dangling(after) else None

    def attempt(self, expected, send):
        answer, code = None, None
        try:
            answer = send()
        except grpc.RpcError as error:
            code = error.code().name
        assert code == expected
        return answer

    def write(self, things):
        self.model.revision += things != self.model.things
        self.model.things = copy.copy(things)

    def change(self, key, action, resource):
        content = b"" if action == DELETE else resource.SerializeToString()
        return {"key": {"kind": key[0], "slug": key[1]}, "action": action, "content": content}

    def possible(self, wanted):
        """The changes that find what they expect."""
        return {key for key, (action, _) in wanted.items() if (key in self.model.things) == (action != CREATE)}

    def applied(self, wanted, good):
        things = dict(self.model.things)
        for key in good:
            action, resource = wanted[key]
            things.pop(key, None)
            if action != DELETE:
                things[key] = thing_of(resource)
        return things

    def all_or_nothing(self, wanted):
        good = self.possible(wanted)
        if good != set(wanted) or self.model.dangling(self.applied(wanted, good)):
            return set()
        return good

    def survivors(self, wanted):
        """What is left when whatever fails, and whatever needs what failed, is taken out; deletions give way first."""
        good = self.possible(wanted)
        while True:
            after = self.applied(wanted, good)
            needed = {(SKILL, slug) for thing in after.values() for slug in thing.skills}
            bad = {key for key in good if wanted[key][0] == DELETE and key in needed}
            if not bad:
                broken = {key for key in wanted if key not in good and wanted[key][0] != DELETE}
                bad = {
                    key
                    for key in good
                    if wanted[key][0] != DELETE
                    and any((SKILL, slug) not in after or (SKILL, slug) in broken for slug in after[key].skills)
                }
            if not bad:
                return good
            good -= bad


def thing_of(resource):
    uses = tuple(resource.spec.skills) if resource.DESCRIPTOR.name == AGENT else ()
    return Thing(resource.spec.description, uses)


def run(engine, examples, steps):
    run_state_machine_as_test(
        lambda: Machine(engine),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_and_a_dictionary_agree(engine):
    run(engine, examples=10, steps=20)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_and_a_dictionary_agree_for_long(engine):
    run(engine, examples=150, steps=50)
