"""Ctrl-C, a killed daemon and concurrent runs: an apply happens wholly or not at all, and says which.

Short forms run by default; `pytest -m slow tests/e2e` strikes at many more moments.
"""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

COUNT = 3_000
MADE = "interrupted after the commit: the changes were made"
NOT_MADE = "interrupted before the commit: nothing was changed"


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, daemon_home, run_cli) -> tuple[object, float]:
    """A file of many agents, and how long its apply takes."""
    cli = run_cli(daemon_home, "measured", tmp_path_factory.mktemp("big"))
    path = cli.write("big.yaml", *(cli.agent(f"bot-{n}") for n in range(COUNT)))
    started = time.monotonic()
    cli.ok("apply", "-f", path)
    return path, time.monotonic() - started


def interrupted(cli, *arguments: object, after: float) -> tuple[int, str, str]:
    with cli.start("apply", "-f", *arguments) as process:
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=40)
        finally:
            process.kill()
    assert "Traceback" not in err.decode()
    return process.returncode, out.decode(), err.decode()


def interrupt_and_check(cli, path: object, after: float) -> None:
    code, _, err = interrupted(cli, path, after=after)
    count = len(cli.slugs("agents"))
    assert count in {0, COUNT}
    if code == 0:
        assert count == COUNT
    elif MADE in err:
        assert (code, count) == (130, COUNT)
    elif NOT_MADE in err:
        assert (code, count) == (130, 0)
    else:
        assert (code, err.strip(), count) in {(130, "", 0), (130, "✗ interrupted", 0)}  # it had not begun


@pytest.mark.parametrize("moment", [0.5, 0.75, 0.9])
def test_an_interrupted_apply_is_whole_or_nothing_and_says_which(moment: float, big, cli) -> None:
    path, seconds = big
    interrupt_and_check(cli, path, moment * seconds)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [n / 50 for n in range(6, 56)])
def test_an_apply_interrupted_at_any_moment_is_whole_or_nothing(moment: float, big, cli) -> None:
    path, seconds = big
    interrupt_and_check(cli, path, moment * seconds)


def test_an_interrupted_apply_prints_a_complete_object(big, cli) -> None:
    path, seconds = big
    code, out, _ = interrupted(cli, path, "-o", "json", after=0.7 * seconds)
    report = json.loads(out)
    assert {"changes", "summary", "revision", "diagnostics"} <= report.keys()
    assert (code, report["status"]) in {(130, "interrupted"), (0, "ok")}
    assert report["committed"] is (len(cli.slugs("agents")) == COUNT)


def kill_and_check(cli, moment: float, seconds: float) -> None:
    cli.ok("local", "start")
    with cli.start("apply", "-f", "big.yaml", "-o", "json") as process:
        time.sleep(moment * seconds)
        os.kill(cli.pid(), signal.SIGKILL)
        out, err = process.communicate(timeout=60)
    assert "Traceback" not in err.decode()
    report = json.loads(out)
    held = len(cli.slugs("agents"))
    assert held in {0, COUNT}
    assert (process.returncode == 0) is (report["status"] == "ok")
    if process.returncode == 0:
        assert held == COUNT
    again = cli.json("apply", "-f", "big.yaml")
    assert again["summary"]["created"] + again["summary"]["unchanged"] == COUNT
    assert cli.json("apply", "-f", "big.yaml", "--no-cache")["summary"]["unchanged"] == COUNT
    assert len(cli.slugs("agents")) == COUNT


@pytest.mark.parametrize("moment", [0.8])
def test_an_apply_survives_the_death_of_the_daemon(moment: float, big, own_cli) -> None:
    own_cli.write("big.yaml", *(own_cli.agent(f"bot-{n}") for n in range(COUNT)))
    kill_and_check(own_cli, moment, big[1])


@pytest.mark.slow
@pytest.mark.parametrize("moment", [n / 25 for n in range(1, 28)])
def test_an_apply_survives_the_death_of_the_daemon_at_any_moment(moment: float, big, own_cli) -> None:
    own_cli.write("big.yaml", *(own_cli.agent(f"bot-{n}") for n in range(COUNT)))
    kill_and_check(own_cli, moment, big[1])


def test_two_applies_at_once_on_the_same_resources_both_end_well(cli) -> None:
    texts = ("Do as Ana tells you.", "Do as Ben tells you.")
    for number, text in enumerate(texts):
        cli.write(f"{number}.yaml", *(cli.agent(f"bot-{n}", text) for n in range(300)))
    processes = [cli.start("apply", "-f", f"{number}.yaml", "-o", "json") for number in range(len(texts))]
    for process in processes:
        with process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
        assert sum(json.loads(out)["summary"].values()) == 300
    items = cli.json("get", "agents")["items"]
    assert len(items) == 300
    assert len({item["spec"]["instructions"] for item in items}) == 1
