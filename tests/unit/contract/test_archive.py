"""The one archive of a folder: the same bytes on every machine. What archives of others may be is tested with the
contract."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from manifests import read_folder
from stigmer.contract.archive import File, artifact_digest, pack
from stigmer.contract.unpack import inspect, read
from stigmer.errors import InvalidArgument

KNOWN = [File("SKILL.md", b"# PDF\n", False), File("scripts/run.sh", b"#!/bin/sh\n", True), File("ä/ö.txt", b"", False)]
KNOWN_DIGEST = "sha256:006046f88cdd8fa83272c483bb2272f351b763d6224026f3474ddaa2fe31d604"


def test_the_form_of_archives_never_changes() -> None:
    """A version of stigmer that packed otherwise would show every skill as changed."""
    assert artifact_digest(pack(KNOWN)) == KNOWN_DIGEST


def test_other_programs_read_it() -> None:
    with zipfile.ZipFile(io.BytesIO(pack(KNOWN))) as found:
        assert found.testzip() is None
        assert [each.filename for each in found.infolist()] == ["SKILL.md", "scripts/run.sh", "ä/ö.txt"]
        assert [oct(each.external_attr >> 16) for each in found.infolist()] == ["0o100644", "0o100755", "0o100644"]
        assert {each.date_time for each in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_order_of_the_files_means_nothing() -> None:
    assert pack(reversed(KNOWN)) == pack(KNOWN)


def test_a_name_is_the_same_in_both_forms_of_unicode() -> None:
    assert pack([File("e\u0301.md", b"", False)]) == pack([File("\u00e9.md", b"", False)])


@pytest.mark.parametrize(
    "other",
    [
        [*KNOWN, File("new", b"", False)],
        KNOWN[:2],
        [KNOWN[0], File("scripts/run.sh", b"#!/bin/sh\n", False), KNOWN[2]],
        [KNOWN[0], File("scripts/go.sh", b"#!/bin/sh\n", True), KNOWN[2]],
        [File("SKILL.md", b"# PDF", False), *KNOWN[1:]],
    ],
    ids=["added", "removed", "not executable", "renamed", "changed"],
)
def test_every_difference_between_folders_is_one(other: list[File]) -> None:
    assert pack(other) != pack(KNOWN)


WRITE = """
import os, sys
os.umask(int(sys.argv[2], 8))
for path, mode in [("SKILL.md", 0o666), ("scripts/run.sh", 0o777), ("b", 0o666), ("a", 0o666)][:: int(sys.argv[3])]:
    whole = os.path.join(sys.argv[1], path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    os.close(os.open(whole, os.O_CREAT | os.O_WRONLY, mode))
    with open(whole, "w") as file:
        file.write(path)
    os.utime(whole, (int(sys.argv[4]), int(sys.argv[4])))
"""


def test_umask_times_and_the_order_of_writing_mean_nothing(tmp_path: Path) -> None:
    digests = set()
    for number, (umask, order, time) in enumerate(
        [("022", "1", "0"), ("077", "-1", "1700000000"), ("002", "-1", "99")]
    ):
        folder = tmp_path / f"{number}"
        subprocess.run([sys.executable, "-c", WRITE, folder, umask, order, time], check=True)
        digests.add(artifact_digest(pack(File(*file) for file in read_folder(str(tmp_path), folder.name))))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("paths", "word"),
    [
        (["../x"], "leads out"),
        (["a\\b"], "backslash"),
        (["C:x"], "absolute"),
        (["a\nb"], "not shown"),
        (["README.md", "readme.md"], "the same as"),
        (["a", "A/b"], "the same as"),
        (["a", "a"], "twice"),
        (["a", "a/b"], "both a file and a folder"),
        (["x" * 241], "longer than"),
        ([f"{number}" for number in range(1001)], "more than 1,000 files"),
        ([], "no files"),
    ],
)
def test_what_no_archive_may_hold_is_not_packed(paths: list[str], word: str) -> None:
    with pytest.raises(InvalidArgument, match=word):
        pack([File(path, b"", False) for path in paths])


def test_more_than_an_artifact_may_be_is_not_packed() -> None:
    with pytest.raises(InvalidArgument, match="32 MiB"):
        pack([File("a", bytes(16 << 20), False), File("b", bytes(16 << 20), False)])


def test_one_file_can_be_read_alone() -> None:
    noise = os.urandom(200_000)
    data = pack([*KNOWN, File("noise", noise, False)])
    assert read(data, "noise") == noise
    assert read(data, "skill.md") is None
    assert [each.path for each in inspect(data)] == ["SKILL.md", "noise", "scripts/run.sh", "ä/ö.txt"]
