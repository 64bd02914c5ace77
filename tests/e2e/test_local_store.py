"""Backup, restore and doctor as a user runs them. Damage, crashes and full disks are under tests/fault."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest


@pytest.fixture
def filled(own_cli):
    """A home with two agents at revision 1."""
    own_cli.write("bots.yaml", own_cli.agent("One"), own_cli.agent("Two"))
    own_cli.ok("apply", "-f", "bots.yaml")
    return own_cli


def texts(cli) -> dict[str, str]:
    items = cli.json("get", "agents")["items"]
    return {item["metadata"]["name"]: item["spec"]["instructions"] for item in items}


def test_a_backup_says_what_it_holds_and_disturbs_no_daemon(filled) -> None:
    pid = filled.pid()
    made = filled.json("local", "backup")
    assert (made["revision"], made["kinds"]) == (1, {"Agent": 2, "AgentInstance": 2})
    assert made["resources"] == 4
    assert made["seconds"] > 0
    file = Path(made["file"])
    assert file.parent == filled.folder
    assert re.fullmatch(rf"stigmer-backup-{made['store_id'][:8]}-r1-\d{{8}}T\d{{6}}Z\.tar", file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.stat().st_size == made["bytes"]
    assert filled.pid() == pid
    members = subprocess.run(["tar", "tf", file], check=True, capture_output=True, text=True).stdout.split()
    assert members == ["manifest.json", "store.json", "data.mdb", "SHA256SUMS"]


def test_the_name_of_a_backup_is_what_is_printed(filled) -> None:
    result = filled.ok("local", "backup")
    assert Path(result.out.strip()).is_file()
    assert "backed up and verified: revision 1, 4 resources" in result.err


def test_a_backup_goes_into_a_folder_or_a_file_and_replaces_nothing_unasked(filled) -> None:
    (filled.folder / "backups").mkdir()
    assert Path(filled.json("local", "backup", "backups")["file"]).parent == filled.folder / "backups"
    filled.ok("local", "backup", "mine.tar")
    before = (filled.folder / "mine.tar").read_bytes()
    refused = filled("local", "backup", "mine.tar")
    assert (refused.code, "--force" in refused.err) == (1, True)
    assert (filled.folder / "mine.tar").read_bytes() == before
    filled.write("more.yaml", filled.agent("Three"))
    filled.ok("apply", "-f", "more.yaml")
    assert filled.json("local", "backup", "mine.tar", "--force")["revision"] == 2
    nowhere = filled("local", "backup", "nowhere/mine.tar")
    assert (nowhere.code, "there is no folder" in nowhere.err) == (1, True)
    assert {path.name for path in filled.folder.iterdir()} == {"backups", "bots.yaml", "more.yaml", "mine.tar"}


def test_there_is_no_backup_of_nothing(own_cli) -> None:
    refused = own_cli("local", "backup")
    assert (refused.code, "holds no store" in refused.err) == (1, True)
    assert not own_cli.home.exists()


def test_data_without_a_marker_are_not_called_nothing(filled) -> None:
    filled.ok("local", "stop")
    (filled.home / "data" / "store.json").unlink()
    refused = filled("local", "backup")
    assert refused.code == 1
    assert "holds data.mdb" in refused.err
    assert "stigmer local restore FILE" in refused.err


def test_a_change_that_a_restore_took_back_is_made_again(filled) -> None:
    """The client remembers that nothing is to be done; the restored store's new epoch makes it ask."""
    file = filled.json("local", "backup")["file"]
    filled.write("bots.yaml", filled.agent("One", "Changed by hand."), filled.agent("Two"))
    filled.ok("apply", "-f", "bots.yaml")
    assert filled.json("apply", "-f", "bots.yaml")["summary"]["unchanged"] == 2
    done = filled.json("local", "restore", file, "--yes")
    assert (done["restored"], done["revision"], done["replaced"]["revision"]) == (True, 1, 2)
    again = filled.json("apply", "-f", "bots.yaml")
    assert (again["summary"]["updated"], again["summary"]["unchanged"]) == (1, 1)
    assert texts(filled)["One"] == "Changed by hand."


def test_a_revision_that_was_reached_again_by_others_is_not_taken_for_the_one_remembered(filled) -> None:
    file = filled.json("local", "backup")["file"]
    filled.write("bots.yaml", filled.agent("One", "Changed by hand."), filled.agent("Two"))
    filled.ok("apply", "-f", "bots.yaml")
    filled.ok("apply", "-f", "bots.yaml")
    filled.ok("local", "restore", file, "--yes")
    for number in range(3):
        filled.write(f"other-{number}.yaml", filled.agent(f"Other {number}"))
        filled.ok("apply", "-f", f"other-{number}.yaml")
    assert filled.revision() == 4
    assert filled.json("apply", "-f", "bots.yaml")["summary"]["updated"] == 1


@pytest.mark.slow
def test_the_replaced_store_is_kept_and_can_be_put_back(filled) -> None:
    file = filled.json("local", "backup")["file"]
    filled.write("bots.yaml", filled.agent("One", "Changed by hand."))
    filled.ok("apply", "-f", "bots.yaml")
    done = filled.json("local", "restore", file, "--yes")
    assert "Changed by hand." not in texts(filled).values()
    kept = Path(done["kept_in"])
    assert kept.parent == filled.home / "data"
    undone = filled.json("local", "restore", kept, "--yes")
    assert undone["revision"] == 2
    assert texts(filled)["One"] == "Changed by hand."
    assert len(list((filled.home / "data").glob("before-restore-*"))) == 2


def test_a_restore_shows_both_stores_and_asks(filled) -> None:
    file = filled.json("local", "backup")["file"]
    pid = filled.pid()
    refused = filled("local", "restore", file)
    assert refused.code == 5
    assert "the store that is there: lmdb" in refused.err
    assert "revision 1, 4 resources" in refused.err
    assert "--yes confirms it" in refused.err
    assert filled.pid() == pid
    declined = filled("local", "restore", file, "-o", "json")
    assert (declined.code, declined.json["restored"]) == (5, False)
    assert not list((filled.home / "data").glob("*restore*"))


def test_a_restore_into_an_empty_place_asks_nobody(filled) -> None:
    file = filled.json("local", "backup")["file"]
    elsewhere = filled.home.parent / "elsewhere"
    try:
        done = filled.json("--data-dir", elsewhere, "local", "restore", file)
        assert (done["restored"], done["kept_in"], done["replaced"]["state"]) == (True, "", "empty")
        found = filled.json("--data-dir", elsewhere, "get", "agents")["items"]
        assert {item["metadata"]["name"] for item in found} == {"One", "Two"}
    finally:
        filled.ok("--data-dir", elsewhere, "local", "stop")


def test_backups_go_through_pipes(filled) -> None:
    command = " ".join(filled.command)
    script = f"{command} local backup - | gzip > b.tar.gz && gunzip -c b.tar.gz | {command} local restore - --yes"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=filled.folder,
        env=filled.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "restored: revision 1" in done.stderr
    assert set(texts(filled)) == {"One", "Two"}
    mixed = filled("local", "backup", "-", "-o", "json")
    assert (mixed.code, "needs a FILE" in mixed.err) == (1, True)


def test_a_backup_is_not_written_to_a_terminal(filled) -> None:
    leader, follower = os.openpty()
    process = filled.start("local", "backup", "-", stdout=follower)
    _, words = process.communicate(timeout=30)
    os.close(follower)
    os.close(leader)
    assert process.returncode == 1
    assert b"not for a terminal" in words


def test_a_backup_of_another_engine_is_restored_and_configured(filled) -> None:
    file = filled.json("local", "backup")["file"]
    other = type(filled)(filled.home.parent / "other", folder=filled.folder)
    try:
        other.ok("config", "set", "backend.local.engine", "sqlite")
        other.write("third.yaml", other.agent("Three"))
        other.ok("apply", "-f", "third.yaml")
        done = other.json("local", "restore", file, "--yes")
        assert (done["engine_set"], done["backup"]["engine"], done["replaced"]["engine"]) == (True, "lmdb", "sqlite")
        assert set(texts(other)) == {"One", "Two"}
        assert other.ok("config", "get", "backend.local.engine").out == "lmdb\n"
        back = other.json("local", "restore", done["kept_in"], "--yes")
        assert back["engine_set"] is True
        assert set(texts(other)) == {"Three"}
        aside = other.home.parent / "aside"
        told = other.json("--data-dir", aside, "local", "restore", file)
        assert told["engine_set"] is False
        assert told["engine_advice"] == f"set STIGMER_ENGINE to lmdb for commands on {aside}"
        assert other.ok("config", "get", "backend.local.engine").out == "sqlite\n"
    finally:
        other.ok("local", "stop")


def test_ctrl_c_ends_a_restore_at_its_question_and_leaves_nothing(filled) -> None:
    file = filled.json("local", "backup")["file"]
    leader, follower = os.openpty()
    process = filled.start("local", "restore", file, stdin=follower, stderr=follower, start_new_session=True)
    said = b""
    while b"Go on?" not in said:
        said += os.read(leader, 4096)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    os.close(follower)
    os.close(leader)
    process.stdout.close()
    assert process.returncode == 130
    assert not list((filled.home / "data").glob("*restore*"))
    assert set(texts(filled)) == {"One", "Two"}


@pytest.mark.slow
def test_other_commands_wait_while_the_store_is_replaced(filled) -> None:
    """Started in the middle of it, they find the restored store, and neither a daemon of the old one nor an error."""
    file = filled.json("local", "backup")["file"]
    filled.write("bots.yaml", filled.agent("One", "Changed by hand."))
    filled.ok("apply", "-f", "bots.yaml")
    restoring = filled.start("local", "restore", file, "--yes")
    readers = []
    while restoring.poll() is None and len(readers) < 12:
        readers.append(filled.start("get", "agents", "-o", "json"))
        time.sleep(0.05)
    assert restoring.wait(timeout=30) == 0
    restoring.communicate()
    for reader in readers:
        out, err = reader.communicate(timeout=60)
        assert reader.returncode == 0, err
        assert len(json.loads(out)["items"]) == 2
    assert "Changed by hand." not in texts(filled).values()


def test_the_doctor_finds_nothing_wrong_with_a_new_machine_or_a_running_daemon(own_cli) -> None:
    found = own_cli.json("local", "doctor", "--verify")
    assert (found["status"], found["store"]) == ("ok", None)
    assert not own_cli.home.exists()
    own_cli.write("bot.yaml", own_cli.agent("Bot"))
    own_cli.ok("apply", "-f", "bot.yaml")
    pid = own_cli.pid()
    found = own_cli.json("local", "doctor", "--verify")
    assert [check for check in found["checks"] if check["status"] != "ok"] == []
    assert (found["store"]["revision"], found["store"]["kinds"]) == (1, {"Agent": 1, "AgentInstance": 1})
    assert own_cli.pid() == pid
    names = [check["name"] for check in found["checks"]]
    expected = {"configuration", "home", "data directory", "disk", "file system", "daemon", "socket", "store", "clock"}
    assert expected | {"verification", "logs", "manifest cache", "interrupted work"} <= set(names)
    page = own_cli.ok("local", "doctor").out
    assert page.count("✓") == len(page.splitlines())


def test_the_doctor_says_what_to_do_about_modes_and_shows_no_token(own_cli) -> None:
    own_cli.ok("config", "set", "backend.cloud.token", "stg_canary")
    own_cli.ok("local", "start")
    (own_cli.home / "config.yaml").chmod(0o644)
    (own_cli.home / "data").chmod(0o755)
    result = own_cli("local", "doctor", "-o", "json")
    assert result.code == 10
    by_name = {check["name"]: check for check in result.json["checks"]}
    assert by_name["configuration"]["status"] == "error"
    assert by_name["configuration"]["hint"] == f"chmod 600 {own_cli.home / 'config.yaml'}"
    assert by_name["data directory"]["status"] == "warning"
    assert by_name["data directory"]["hint"] == f"chmod 700 {own_cli.home / 'data'}"
    page = own_cli("local", "doctor")
    assert page.code == 10
    assert "chmod 600" in page.out
    assert "stg_canary" not in result.out + result.err + page.out + page.err
    (own_cli.home / "config.yaml").chmod(0o600)
    assert own_cli("local", "doctor").code == 0


def test_a_configuration_that_is_not_valid_is_the_doctors_first_finding(own_cli) -> None:
    own_cli.home.mkdir()
    (own_cli.home / "config.yaml").write_text("backend: {local: {engin: lmdb}}\n")
    result = own_cli("local", "doctor", "-o", "json")
    assert result.code == 10
    assert [check["name"] for check in result.json["checks"]] == ["configuration"]
    assert "engine" in result.json["checks"][0]["message"] + result.json["checks"][0]["hint"]


def test_what_a_killed_daemon_has_left_is_a_warning(own_cli) -> None:
    own_cli.ok("local", "start")
    os.kill(own_cli.pid(), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = own_cli.json("local", "doctor")
        left = [check for check in found["checks"] if check["status"] == "warning"]
        if [check["name"] for check in left] == ["daemon"]:
            break
    assert "daemon.sock" in left[0]["message"]
    own_cli.ok("local", "start")
    assert own_cli.json("local", "doctor")["status"] == "ok"


def test_data_that_no_daemon_could_open_are_an_error(filled) -> None:
    filled.ok("local", "stop")
    data = filled.home / "data" / "data.mdb"
    data.unlink()
    data.mkdir()
    result = filled("local", "doctor", "-o", "json")
    assert result.code == 10
    assert [check["name"] for check in result.json["checks"] if check["status"] == "error"] == ["store"]


def test_an_engine_that_is_not_the_datas_is_an_error_with_the_command(filled) -> None:
    filled.ok("local", "stop")
    filled.ok("config", "set", "backend.local.engine", "sqlite")
    result = filled("local", "doctor", "-o", "json")
    assert result.code == 10
    wrong = [check for check in result.json["checks"] if check["status"] == "error"]
    assert [check["hint"] for check in wrong] == ["stigmer config set backend.local.engine lmdb"]
    made = filled.json("local", "backup")
    assert made["engine"] == "lmdb"
