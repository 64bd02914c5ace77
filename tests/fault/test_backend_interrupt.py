"""Ctrl-C during an apply: all of it happens or nothing, and what the client says afterwards is what is so."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

import pytest

from stigmer.backend import local
from stigmer.backend.config import Config

from .local_backend import local_config, python

CHANGES = 1_000

MOST_S = 10.0
"""From the interrupt to the process's end: the client's grace for a commit under way, and what a busy machine adds."""

CLIENT = """
import sys
from reconciler.actions import Action
from reconciler.ports import ApplyOptions, ResourceChange
from reconciler.resource import ResourceKey
from stigmer.backend import config, open_backend
prefix, count = sys.argv[1], int(sys.argv[2])
body = {"metadata": {"name": "x"}, "spec": {"instructions": "answer every question"}}
changes = [ResourceChange(ResourceKey("Agent", "local", f"{prefix}-{n}"), Action.CREATE, body) for n in range(count)]
with open_backend(config.load()) as backend:
    print("ready", flush=True)
    try:
        backend.apply_changes(changes, ApplyOptions(prefix))
        print("finished", flush=True)
    except KeyboardInterrupt:
        outcome = backend.outcome_of(prefix)
        print("nothing" if outcome is None else "committed", flush=True)
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    with local_config(tmp_path_factory.mktemp("home")) as config:
        local.start(config)
        yield config


def interrupted(config: Config, prefix: str, delay: float) -> str:
    """What a client says that is interrupted so many seconds into its apply."""
    with python(config, CLIENT, prefix, str(CHANGES)) as client:
        assert client.stdout is not None
        ready = client.stdout.readline()
        if ready:
            time.sleep(delay)
            client.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, error = client.communicate(timeout=30)
    assert ready == "ready\n", error
    assert time.monotonic() - began < MOST_S
    assert "Traceback" not in error or "KeyboardInterrupt" in error
    return out.strip()


def check(config: Config, prefix: str, delay: float) -> str:
    said = interrupted(config, prefix, delay)
    time.sleep(0.3)  # what the daemon might still do against what was said
    with local.connect_local(config) as backend:
        there = sum(
            message.metadata.slug.startswith(f"{prefix}-")  # type: ignore[attr-defined]
            for message in backend.list("agents", page_size=1_000)
        )
    assert there == (CHANGES if said in {"committed", "finished"} else 0), said
    return said


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.05, 0.3])
def test_an_interrupted_apply_is_all_or_nothing_and_says_which(delay: float, daemon: Config) -> None:
    check(daemon, f"d{delay * 1000:.0f}", delay)


@pytest.mark.slow
@pytest.mark.parametrize("window", [0.02, 1.2], ids=["while the call begins", "until after its end"])
def test_interrupts_at_many_moments_are_all_or_nothing(window: float, daemon: Config) -> None:
    chance = random.Random(7)
    said = {check(daemon, f"w{window * 100:.0f}-{number}", chance.uniform(0, window)) for number in range(40)}
    assert said <= {"nothing", "committed", "finished"}
