"""The doctor's checks of a backend's surroundings. What it says of daemons and stores is tested under tests/e2e and
tests/fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stigmer.backend import config as configuration
from stigmer.backend import health
from stigmer.backend.config import Config
from stigmer.backend.health import Check, check_configuration, check_folders, check_logs, file_system_of


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return configuration.load(environ={"STIGMER_HOME": str(tmp_path / "home")})


def by_name(config: Config) -> dict[str, Check]:
    return {check.name: check for check in check_folders(config)}


def test_folders_that_are_not_there_yet_are_no_fault(config: Config) -> None:
    assert {check.status for check in check_folders(config)} == {"ok"}
    assert [check.status for check in check_configuration(config)] == ["ok"]
    assert list(check_logs(config)) == []


def test_a_file_in_the_place_of_the_data_directory_is_an_error(config: Config) -> None:
    config.home.mkdir()
    config.data_dir.write_text("")
    found = by_name(config)["data directory"]
    assert (found.status, "not a folder" in found.message) == ("error", True)
    assert "backend.local.data_dir" in found.hint


def test_a_home_that_others_can_write_to_is_a_warning_and_one_that_they_can_read_is_not(config: Config) -> None:
    config.data_dir.mkdir(parents=True, mode=0o700)
    config.home.chmod(0o755)
    assert by_name(config)["home"].status == "ok"
    config.home.chmod(0o777)
    assert by_name(config)["home"].hint == f"chmod go-w {config.home}"


@pytest.mark.parametrize(
    ("blocks", "inodes", "status"),
    [(10**9, 10**6, "ok"), (50_000, 10**6, "warning"), (1_000, 10**6, "error"), (10**9, 500, "warning"),
     (10**9, 0, "error")],
)  # fmt: skip
def test_a_disk_that_fills_up_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch, blocks: int, inodes: int, status: str
) -> None:
    disk = os.statvfs_result((4096, 4096, 10**9, blocks, blocks, 10**6, inodes, inodes, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    found = by_name(config)["disk"]
    assert found.status == status
    assert bool(found.hint) == (status != "ok")


MOUNTS = """\
21 1 253:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 21 0:26 / /home rw - nfs4 server:/home rw
31 30 0:27 / /home/me/fast rw - xfs /dev/vdb rw
32 21 0:28 / /mnt/with\\040space rw - fuse.sshfs me@there rw
33 21 0:29 / /twice rw - tmpfs none rw
34 33 0:30 / /twice rw - cifs //server/share rw
rubbish
"""


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/home/me/.stigmer", "nfs4"),
        ("/home/me/fast/data", "xfs"),
        ("/homeless", "ext4"),
        ("/mnt/with space/data", "fuse.sshfs"),
        ("/twice/data", "cifs"),
    ],
)
def test_the_file_system_below_a_path_is_told(tmp_path: Path, place: str, kind: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert file_system_of(Path(place), tmp_path / "mountinfo") == kind


def test_a_system_that_does_not_tell_its_mounts_is_no_fault(tmp_path: Path) -> None:
    assert file_system_of(tmp_path, tmp_path / "none") == ""


def test_data_on_a_network_file_system_are_an_error(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "file_system_of", lambda _: "nfs4")
    found = by_name(config)["file system"]
    assert found.status == "error"
    assert "local disk" in found.hint


def test_logs_that_pile_up_are_a_warning(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    (config.data_dir / "logs").mkdir(parents=True)
    (config.data_dir / "logs" / "daemon.log").write_bytes(bytes(1_000))
    assert [check.status for check in check_logs(config)] == ["ok"]
    monkeypatch.setattr(health, "MANY_LOG_BYTES", 999)
    assert [check.status for check in check_logs(config)] == ["warning"]


def test_an_exposed_configuration_is_worse_when_it_holds_a_token(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.yaml").write_text("log_level: debug\n")
    (home / "config.yaml").chmod(0o644)
    loaded = configuration.load(environ={"STIGMER_HOME": str(home)})
    assert [check.status for check in check_configuration(loaded)] == ["warning"]
    (home / "config.yaml").write_text("backend: {cloud: {token: stg_canary}}\n")
    (found,) = check_configuration(configuration.load(environ={"STIGMER_HOME": str(home)}))
    assert found.status == "error"
    assert "canary" not in repr(found)
