"""The folders that users start from. Assumes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"


@pytest.fixture(params=["quickstart", "init"])
def example(request: pytest.FixtureRequest, cli) -> Path:
    if request.param == "quickstart":
        return QUICKSTART
    cli.ok("init", "started")
    assert cli.folder is not None
    return cli.folder / "started"


def test_an_example_validates_applies_once_and_goes(example: Path, cli) -> None:
    assert cli.ok("validate", "-f", example).err.endswith("nothing is wrong\n")
    report = cli.json("apply", "-f", example)
    assert [item for item in report["diagnostics"] if item["severity"] == "warning"] == []
    created = report["summary"]["created"]
    assert created == len(report["changes"]) > 4
    again = cli.json("apply", "-f", example)
    assert (again["summary"]["unchanged"], again["revision"]) == (created, report["revision"])
    everything = cli.ok("get", "environments,mcpservers,skills,agents,workflows,ain,win", "-o", "yaml").out
    assert cli.json("apply", "-f", "-", stdin=everything)["summary"]["unchanged"] == created
    assert cli.json("delete", "-f", example, "--yes")["summary"]["deleted"] == created
    assert cli.slugs("agents") | cli.slugs("agentinstances") == set()


def test_init_overwrites_nothing_unless_forced(cli) -> None:
    assert cli.folder is not None
    first = cli.json("init")["files"]
    (cli.folder / first[0]).write_text("mine")
    refused = cli("init")
    assert (refused.code, first[0] in refused.err, "--force" in refused.err) == (1, True, True)
    assert (cli.folder / first[0]).read_text() == "mine"
    cli.ok("init", "--force")
    assert (cli.folder / first[0]).read_text() != "mine"


def test_both_examples_live_side_by_side(cli) -> None:
    cli.ok("apply", "-f", QUICKSTART)
    cli.ok("init", "mine")
    report = cli.json("apply", "-f", "mine")
    assert report["summary"]["updated"] == 0
    cli.ok("delete", "-f", "mine", "--yes")
    assert cli.json("apply", "-f", QUICKSTART)["summary"]["created"] == 0
