"""Layer: whole folders that manifests refer to."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests import FolderFile, ManifestError, folder, read_folder
from manifests.folder import IGNORED_NAMES
from manifests.limits import FolderLimits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    skill = root / "skills" / "pdf"
    (skill / "scripts").mkdir(parents=True)
    (skill / "SKILL.md").write_text("# PDF")
    (skill / "scripts" / "run.sh").write_text("#!/bin/sh")
    (skill / "scripts" / "run.sh").chmod(0o755)
    (skill / ".hidden").write_text("h")
    (tmp_path / "secret").write_text("secret")
    return root


def refusal(root: Path, relative: str, *words: str, **limits: int) -> Any:
    with pytest.raises(ManifestError) as caught:
        read_folder(str(root), relative, FolderLimits(**limits))
    for word in words:
        assert word in caught.value.diagnostic.message
    return caught.value.diagnostic


@pytest.mark.parametrize("relative", ["skills/pdf", "./skills/pdf/", "skills//pdf", "skills/../skills/./pdf"])
def test_every_file_comes_with_its_content_and_whether_it_may_be_executed(root: Path, relative: str) -> None:
    assert read_folder(str(root), relative) == (
        FolderFile(".hidden", b"h", False),
        FolderFile("SKILL.md", b"# PDF", False),
        FolderFile("scripts/run.sh", b"#!/bin/sh", True),
    )


@pytest.mark.parametrize(
    "name", [*sorted(IGNORED_NAMES), "SKILL.md~", ".SKILL.md.swp", "#SKILL.md#", ".#SKILL.md", "._x"]
)
def test_what_tools_leave_behind_is_passed_over(root: Path, name: str) -> None:
    before = read_folder(str(root), "skills/pdf")
    (root / "skills" / "pdf" / name).write_text("left behind")
    (root / "skills" / "pdf" / "scripts" / name).mkdir()
    (root / "skills" / "pdf" / "scripts" / name / "x").write_text("left behind")
    assert read_folder(str(root), "skills/pdf") == before


@pytest.mark.parametrize("name", ["#hash", ".env.example", ".gitignore", "git", "a.tmp"])
def test_what_only_looks_like_it_is_not(root: Path, name: str) -> None:
    (root / "skills" / "pdf" / name).write_text("mine")
    assert FolderFile(name, b"mine", False) in read_folder(str(root), "skills/pdf")


@pytest.mark.parametrize("relative", ["..", "../root/skills/pdf", "skills/../../root", "/etc", "skills\0/pdf"])
def test_no_path_leads_out(root: Path, relative: str) -> None:
    assert refusal(root, relative).code == "path-escape"


@pytest.mark.parametrize("relative", ["", ".", "./", "skills/.."])
def test_the_manifests_own_folder_is_refused(root: Path, relative: str) -> None:
    assert refusal(root, relative, "own folder").code == "not-a-folder"


@pytest.mark.parametrize(
    ("relative", "word"), [("nope", "nope"), ("skills/nope", "nope"), ("skills/pdf/SKILL.md", "SKILL")]
)
def test_a_folder_that_is_not_there_is_named(root: Path, relative: str, word: str) -> None:
    refusal(root, relative, word)


def linked(path: Path) -> None:
    path.symlink_to("../../../../secret")


def linked_folder(path: Path) -> None:
    path.symlink_to("..")


def socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


@pytest.mark.parametrize("make", [linked, linked_folder, os.mkfifo, socket], ids=["link", "folder", "pipe", "socket"])
def test_what_is_neither_file_nor_folder_is_refused_by_name(root: Path, make: Callable[[Path], object]) -> None:
    make(root / "skills" / "pdf" / "scripts" / "x")
    found = refusal(root, "skills/pdf", "scripts/x is a ")
    assert found.code == "not-a-file"


def test_no_link_on_the_way_is_followed(root: Path) -> None:
    (root / "link").symlink_to("skills")
    (root / "straight").symlink_to("skills/pdf")
    assert "symbolic link" in refusal(root, "link/pdf", "link").message
    assert "symbolic link" in refusal(root, "straight").message


def test_an_empty_folder_is_refused(root: Path) -> None:
    (root / "empty" / "deeper").mkdir(parents=True)
    (root / "empty" / ".DS_Store").write_text("")
    assert refusal(root, "empty").code == "no-files"


def test_every_limit_is_an_error(root: Path) -> None:
    refusal(root, "skills/pdf", "more than 2 files", files=2)
    refusal(root, "skills/pdf", "SKILL.md is larger", file_bytes=4)
    refusal(root, "skills/pdf", "in all", total_bytes=10)
    refusal(root, "skills/pdf", "more than 1 folders", depth=1)
    assert len(read_folder(str(root), "skills/pdf", FolderLimits(3, 2, 9, 15))) == 3


def test_a_folder_of_very_many_files_is_left_early(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        (root / "skills" / "pdf" / f"{number}").write_text("")
    monkeypatch.setattr(folder, "read_up_to", lambda *_: pytest.fail("read before it was counted"))
    refusal(root, "skills/pdf", "more than 20 files", files=20)


@pytest.mark.parametrize("name", ["SKILL.md", "scripts"])
def test_what_cannot_be_read_is_an_error(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = os.open

    def denied(path: str, *arguments: Any, **options: Any) -> int:
        if path == name:
            raise PermissionError(errno.EACCES, "Permission denied")
        return open_(path, *arguments, **options)

    monkeypatch.setattr(os, "open", denied)
    assert refusal(root, "skills/pdf", f"{name} cannot be read", "permission denied").code == "unreadable"


def test_a_name_that_is_no_text_is_refused(root: Path) -> None:
    (Path(os.fsdecode(bytes(root / "skills" / "pdf") + b"/\xff"))).write_text("x")
    assert refusal(root, "skills/pdf").code == "file-name"


def changing(times: int, change: Callable[[], object]) -> Callable[[int, int], bytes]:
    """`read_up_to`, and something happens after the first few calls."""
    read, left = folder.read_up_to, [times]

    def reading(descriptor: int, size: int) -> bytes:
        data = read(descriptor, size)
        if left[0]:
            left[0] -= 1
            change()
        return data

    return reading


def test_a_folder_that_changes_once_is_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skill = root / "skills" / "pdf"
    monkeypatch.setattr(folder, "read_up_to", changing(1, lambda: (skill / "new").write_text("new")))
    assert FolderFile("new", b"new", False) in read_folder(str(root), "skills/pdf")


def test_a_file_that_disappears_is_not_half_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = root / "skills" / "pdf" / "scripts" / "run.sh"
    monkeypatch.setattr(folder, "read_up_to", changing(1, script.unlink))
    assert [file.path for file in read_folder(str(root), "skills/pdf")] == [".hidden", "SKILL.md"]


def test_a_file_that_becomes_a_link_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = root / "skills" / "pdf" / "scripts" / "run.sh"

    def swap() -> None:
        script.unlink(missing_ok=True)
        script.symlink_to("/etc/passwd")

    monkeypatch.setattr(folder, "read_up_to", changing(1, swap))
    refusal(root, "skills/pdf", "scripts/run.sh is a symbolic link")


def test_a_folder_that_never_rests_is_an_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = iter(range(1000))
    skill = root / "skills" / "pdf"
    monkeypatch.setattr(
        folder, "read_up_to", changing(1000, lambda: (skill / "SKILL.md").write_text("x" * next(counter)))
    )
    assert refusal(root, "skills/pdf").code == "changing"
