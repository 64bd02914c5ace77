"""The daemon's life, configuration and versions, as commands. Assumes the daemon itself tested elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path


def test_the_daemon_is_started_stopped_and_told_about(own_cli) -> None:
    status = own_cli.json("local", "status")
    assert (status["running"], status["data_dir"]) == (False, str(own_cli.home / "data"))
    assert own_cli.ok("local", "stop").err == "ℹ no daemon was running\n"  # noqa: RUF001
    started = own_cli.json("local", "start")
    assert started["pid"] == own_cli.pid()
    status = own_cli.json("local", "status")
    assert {"running": True, "pid": started["pid"], "revision": 0}.items() <= status.items()
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", status["version"])
    assert b"stigmer.server" in Path(f"/proc/{status['pid']}/cmdline").read_bytes()
    assert own_cli.json("local", "start")["pid"] == status["pid"]
    assert own_cli.json("local", "restart")["pid"] != status["pid"]
    assert own_cli.ok("local", "logs", "-n", "1").out.count("\n") == 1
    own_cli.ok("local", "stop")
    assert own_cli.json("local", "status")["running"] is False


def test_what_was_written_survives_a_restart(own_cli) -> None:
    own_cli.write("bot.yaml", own_cli.agent("Bot"))
    own_cli.ok("apply", "-f", "bot.yaml")
    before = own_cli.json("get", "agent", "bot")
    own_cli.ok("local", "restart")
    assert own_cli.json("get", "agent", "bot") == before
    assert own_cli.json("apply", "-f", "bot.yaml")["summary"]["unchanged"] == 1


def test_versions_of_both_sides_are_told(cli) -> None:
    found = cli.json("version")
    assert found["client"]["version"] == found["daemon"]["version"]
    assert cli.ok("version", "--client").out.startswith(f"stigmer {found['client']['version']} ")


def test_the_version_does_not_start_a_daemon(own_cli) -> None:
    assert own_cli.json("version")["daemon"] is None
    assert not own_cli.home.exists()


def test_the_backend_is_shown_and_switched(own_cli) -> None:
    assert own_cli.json("backend", "status")["type"] == "local"
    own_cli.ok("backend", "switch", "cloud")
    assert own_cli.json("backend", "status")["type"] == "cloud"
    refused = own_cli("get", "agents")
    assert (refused.code, "switch local" in refused.err) == (1, True)
    result = own_cli.ok("backend", "set", "local", env={"STIGMER_BACKEND": "cloud"})
    assert "STIGMER_BACKEND says cloud" in result.err
    assert own_cli("backend", "switch", "moon").code == 1


def test_settings_are_written_and_read(own_cli) -> None:
    assert own_cli.ok("config", "path").out == f"{own_cli.home / 'config.yaml'}\n"
    own_cli.ok("config", "set", "log_level", "debug")
    assert own_cli.ok("config", "get", "log_level").out == "debug\n"
    assert own_cli.ok("config", "get", "log_level", env={"STIGMER_LOG_LEVEL": "error"}).out == "error\n"
    settings = {item["key"]: item for item in own_cli.json("config", "list")["settings"]}
    assert settings["log_level"]["source"] == "file"
    assert (own_cli.home / "config.yaml").stat().st_mode & 0o777 == 0o600
    bad = own_cli("config", "set", "log_levl", "debug")
    assert (bad.code, "log_level" in bad.err) == (1, True)


def test_a_token_is_never_shown(own_cli) -> None:
    own_cli.ok("config", "set", "backend.cloud.token", "stg_canary")
    shown = own_cli.ok("config", "list").out + own_cli.ok("config", "get", "backend.cloud.token").out
    assert "stg_canary" not in shown
    assert "stg_canary" not in json.dumps(own_cli.json("config", "list"))


def test_the_data_directory_is_an_option(own_cli) -> None:
    folder = own_cli.home.parent / "elsewhere"
    own_cli.write("bot.yaml", own_cli.agent("Bot"))
    try:
        own_cli.ok("--data-dir", folder, "apply", "-f", "bot.yaml")
        assert own_cli.json("--data-dir", folder, "local", "status")["running"] is True
        assert own_cli.json("local", "status")["running"] is False
        assert oct(folder.stat().st_mode & 0o777) == "0o700"
    finally:
        own_cli.ok("--data-dir", folder, "local", "stop")


def test_another_configuration_file_can_be_named(own_cli) -> None:
    assert own_cli.folder is not None
    file = own_cli.folder / "other.yaml"
    file.write_text("backend: {type: cloud}\n")
    assert own_cli.json("--config", file, "backend", "status")["type"] == "cloud"
    missing = own_cli("--config", "none.yaml", "backend", "status")
    assert (missing.code, "none.yaml" in missing.err) == (1, True)


def test_a_data_directory_that_cannot_be_used_is_a_clear_error(own_cli) -> None:
    assert own_cli.folder is not None
    (own_cli.folder / "file").write_text("")
    result = own_cli("--data-dir", own_cli.folder / "file", "get", "agents")
    assert (result.code, "data folder" in result.err) == (1, True)
