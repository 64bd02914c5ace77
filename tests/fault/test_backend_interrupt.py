"""Ctrl-C during an apply: all of it happens or nothing, and what the client says afterwards is what is so."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer.backend import local
from stigmer.backend.config import Config

from .local_backend import local_config

CHANGES = 1_000

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
    client = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", CLIENT, prefix, str(CHANGES)],
        env=os.environ | {"STIGMER_HOME": str(config.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    time.sleep(delay)
    client.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, error = client.communicate(timeout=30)
    assert time.monotonic() - began < 7
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


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3])
def test_an_interrupted_apply_is_all_or_nothing_and_says_which(delay: float, daemon: Config, tmp_path: Path) -> None:
    check(daemon, f"d{int(delay * 1000)}", delay)


@pytest.mark.slow
def test_interrupts_at_many_moments_are_all_or_nothing(daemon: Config) -> None:
    chance = random.Random(7)
    said = {check(daemon, f"m{number}", chance.uniform(0, 1.2)) for number in range(40)}
    assert {"nothing", "committed"} <= said
