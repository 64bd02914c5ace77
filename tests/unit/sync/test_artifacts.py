"""Skills from folders and archives through the use cases, over a real server: what is stored, when, and what is not."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from reconciler import Plan
from stigmer.backend.artifacts import Artifacts
from stigmer.contract.archive import Archive, File, artifact_digest, pack
from stigmer.sync import Request, Status, apply

SKILL = """\
apiVersion: agentic.stigmer.ai/v1
kind: Skill
metadata:
  name: {name}
spec:
  {spec}
"""


class Recorded:
    """A backend's artifacts, and what was asked of them. With `forgetful`, it always says that it has nothing."""

    def __init__(self, inner: Artifacts) -> None:
        self.inner = inner
        self.asked: list[set[str]] = []
        self.stored: list[str] = []
        self.forgetful = False

    def missing(self, digests: Collection[str], org: str = "") -> set[str]:
        self.asked.append(set(digests))
        return set(digests) if self.forgetful else self.inner.missing(digests, org)

    def store(self, archive: Archive, org: str = "") -> None:
        self.inner.store(archive, org)
        self.stored.append(archive.digest)

    def fetch(self, digest: str, org: str = "") -> bytes:
        return self.inner.fetch(digest, org)

    def taken(self) -> list[str]:
        """What was stored since the last look."""
        stored, self.stored, self.asked = self.stored, [], []
        return stored


@pytest.fixture
def artifacts(bench: Any) -> Recorded:
    recorded = Recorded(bench.backend.artifacts)
    bench.workspace.artifacts = recorded
    return recorded


@pytest.fixture
def skill(bench: Any, artifacts: Recorded) -> Path:
    """The folder of a skill beside its manifest."""
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec="folder: ./pdf"))
    bench.write("skills/pdf/SKILL.md", "# PDF\n")
    bench.write("skills/pdf/scripts/run.sh", "#!/bin/sh\n").chmod(0o755)
    return Path(bench.folder / "skills" / "pdf")


PACKED = pack([File("SKILL.md", b"# PDF\n", False), File("scripts/run.sh", b"#!/bin/sh\n", True)])
DIGEST = artifact_digest(PACKED)


def inline(data: bytes, name: str = "pdf") -> str:
    return SKILL.format(name=name, spec=f"bundle: {base64.b64encode(data).decode()}")


def messages(outcome: Any) -> list[str]:
    return [f"{each.source}: {each.message}" for each in outcome.diagnostics]


def test_a_folder_is_stored_and_becomes_text_and_artifact(bench: Any, skill: Path, artifacts: Recorded) -> None:
    assert bench.apply().status is Status.OK
    spec = bench.get("Skill", "pdf").spec
    assert (spec.skill_md, spec.artifact) == ("# PDF\n", DIGEST)
    assert artifacts.taken() == [DIGEST]
    assert artifacts.fetch(DIGEST) == PACKED


def test_an_apply_that_changes_nothing_asks_for_nothing(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.apply()
    artifacts.taken()
    os.utime(skill / "SKILL.md", (1, 1))
    for _ in range(2):
        assert bench.apply().plan.is_empty
    assert artifacts.asked == []


@pytest.mark.parametrize("use_case", ["plan", "validate", "dry run"])
def test_a_check_of_a_new_folder_stores_nothing_and_succeeds(
    bench: Any, skill: Path, artifacts: Recorded, use_case: str
) -> None:
    check = {"plan": bench.plan, "validate": bench.validate, "dry run": lambda: bench.apply(dry_run=True)}[use_case]
    outcome = check()
    assert (outcome.status, outcome.diagnostics) == (Status.OK, ())
    assert [change.key.slug for change in outcome.plan.writes] == ["pdf"]
    assert artifacts.asked == artifacts.stored == []
    assert artifacts.missing([DIGEST]) == {DIGEST}


def edit(skill: Path) -> None:
    (skill / "SKILL.md").write_text("# PDF 2\n")


def add(skill: Path) -> None:
    (skill / "new.txt").write_text("new")


def remove(skill: Path) -> None:
    (skill / "scripts" / "run.sh").unlink()


def move(skill: Path) -> None:
    (skill / "scripts").rename(skill / "tools")


def lock(skill: Path) -> None:
    (skill / "scripts" / "run.sh").chmod(0o644)


@pytest.mark.parametrize("change", [edit, add, remove, move, lock])
def test_every_change_in_the_folder_is_an_update(bench: Any, skill: Path, artifacts: Recorded, change: Any) -> None:
    bench.apply()
    before = bench.get("Skill", "pdf")
    artifacts.taken()
    change(skill)
    (planned,) = bench.plan().plan.writes
    assert "spec.artifact" in {each.path for each in planned.fields}
    assert artifacts.asked == []
    bench.apply()
    after = bench.get("Skill", "pdf")
    assert artifacts.taken() == [after.spec.artifact]
    assert after.spec.artifact != before.spec.artifact
    assert after.status.version != before.status.version


def test_what_tools_leave_behind_is_no_change(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.apply()
    (skill / ".git").mkdir()
    (skill / ".git" / "HEAD").write_text("ref")
    (skill / "SKILL.md~").write_text("old")
    assert bench.apply().plan.is_empty


def test_an_older_version_need_not_be_sent_again(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.apply()
    edit(skill)
    bench.apply()
    artifacts.taken()
    (skill / "SKILL.md").write_text("# PDF\n")
    bench.apply()
    assert bench.get("Skill", "pdf").spec.artifact == DIGEST
    assert artifacts.asked == [{DIGEST}]
    assert artifacts.taken() == []


def test_two_skills_of_one_folder_are_stored_once(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.write("skills/twin.yaml", SKILL.format(name="twin", spec="folder: pdf"))
    bench.apply()
    assert artifacts.taken() == [DIGEST]
    assert bench.get("Skill", "twin").spec.artifact == DIGEST


def test_a_folder_that_changes_before_it_is_stored_stops_the_run(bench: Any, skill: Path, artifacts: Recorded) -> None:
    def confirm(plan: Plan) -> bool:
        edit(skill)
        return True

    outcome = apply(bench.request(), bench.workspace, confirm=confirm, emit=bench.events.append)
    assert outcome.status is Status.FAILED
    assert "pdf changed while it was being applied" in messages(outcome)[0]
    assert list(bench.backend.list("Skill")) == []
    assert bench.apply().status is Status.OK


def test_what_lies_in_a_packed_folder_is_no_manifest(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.write("skills/pdf/assets/config.yaml", "just: data")
    bench.write("skills/pdf/assets/other.json", '{"no": "manifest"}')
    bench.write("skills/pdf/agent.yaml", SKILL.format(name="inside", spec="skillMd: x"))
    outcome = bench.apply()
    assert (outcome.status, outcome.documents, outcome.files) == (Status.OK, 1, 1)
    assert [each.metadata.slug for each in bench.backend.list("Skill")] == ["pdf"]


def test_the_order_in_which_manifests_are_read_means_nothing(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.write("skills/pdf/inside.yaml", SKILL.format(name="inside", spec="skillMd: x"))
    bench.write("skills/pdf/data.yaml", "just: data")
    paths = (f"{bench.folder}/skills/pdf", f"{bench.folder}/skills/pdf.yaml")
    for _ in range(3):
        outcome = apply(Request(paths=paths), bench.workspace, confirm=lambda _: True, emit=bench.events.append)
        assert (outcome.status, outcome.documents, outcome.files) == (Status.OK, 1, 1)
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec="skillMd: y"))
    outcome = apply(Request(paths=paths), bench.workspace, confirm=lambda _: True, emit=bench.events.append)
    assert outcome.status is Status.INVALID
    assert any("data.yaml" in each for each in messages(outcome))


def test_manifests_in_a_folder_that_is_no_longer_packed_are_manifests_again(
    bench: Any, skill: Path, artifacts: Recorded
) -> None:
    bench.write("skills/pdf/inside.yaml", SKILL.format(name="inside", spec="skillMd: x"))
    bench.apply()
    bench.apply()
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec="skillMd: y"))
    assert bench.apply().status is Status.OK
    assert sorted(each.metadata.slug for each in bench.backend.list("Skill")) == ["inside", "pdf"]


def test_manifests_in_a_folder_that_is_packed_now_are_none_any_more(
    bench: Any, skill: Path, artifacts: Recorded
) -> None:
    bench.write("skills/pdf/inside.yaml", SKILL.format(name="inside", spec="skillMd: x"))
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec="skillMd: y"))
    bench.apply()
    bench.apply()
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec="folder: pdf"))
    outcome = bench.plan()
    assert [change.key.slug for change in outcome.plan.changes] == ["pdf"]


def link(skill: Path) -> None:
    (skill / "scripts" / "link").symlink_to("/etc/passwd")


def binary(skill: Path) -> None:
    (skill / "SKILL.md").write_bytes(b"\xff\xfe")


def emptied(skill: Path) -> None:
    (skill / "SKILL.md").write_text("")


def lower(skill: Path) -> None:
    (skill / "SKILL.md").rename(skill / "skill.md")


def same(skill: Path) -> None:
    (skill / "skill.md").write_text("x")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (shutil.rmtree, "pdf: no such file"),
        (link, "scripts/link is a symbolic link"),
        (binary, "SKILL.md is not UTF-8"),
        (emptied, "SKILL.md is empty"),
        (lower, "no SKILL.md at the top"),
        (same, "is the same as"),
    ],
)
def test_a_folder_that_cannot_be_packed_is_a_mistake_at_its_line(
    bench: Any, skill: Path, artifacts: Recorded, change: Any, text: str
) -> None:
    change(skill)
    outcome = bench.apply()
    (found,) = messages(outcome)
    assert outcome.status is Status.INVALID
    assert "pdf.yaml:6:11: spec.folder: " in found
    assert text in found


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("folder: pdf\n  skillMd: x", 'spec.folder: "folder" and "skillMd" exclude each other'),
        ("skillMd: {file: pdf/SKILL.md}\n  folder: pdf", 'spec.folder: "folder" and "skillMd" exclude each other'),
        (f"folder: pdf\n  artifact: {DIGEST}", "exclude each other"),
        ("folder: pdf\n  bundle: aGFsbG8=", "exclude each other"),
        ("bundle: aGFsbG8=", "spec.bundle: this is no zip archive"),
        ("bundle: '%%%'", "spec.bundle: expected base64"),
        ("bundle: {file: nope.zip}", "spec.bundle.file: cannot be read"),
        ("bundle: {file: ../../x.zip}", "spec.bundle.file: the path leads out"),
        ("bundle: {url: x}", "expected a string, or {file: PATH}"),
        ("folder: ../..", "the path leads out"),
        ("folder: [pdf]", "expected a string"),
    ],
)
def test_a_spelling_that_cannot_be_is_a_mistake(
    bench: Any, skill: Path, artifacts: Recorded, spec: str, text: str
) -> None:
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec=spec))
    outcome = bench.plan()
    assert outcome.status is Status.INVALID
    assert any(text in each for each in messages(outcome)), messages(outcome)
    assert not any("must be at least" in each for each in messages(outcome))


def test_an_archive_in_a_manifest_is_the_folder(bench: Any, artifacts: Recorded) -> None:
    bench.write("pdf.yaml", inline(PACKED))
    assert bench.apply().status is Status.OK
    assert bench.get("Skill", "pdf").spec.artifact == DIGEST
    assert bench.apply().plan.is_empty


def test_an_archive_may_be_broken_into_lines(bench: Any, artifacts: Recorded) -> None:
    lines = base64.encodebytes(PACKED).decode().replace("\n", "\n    ")
    bench.write("pdf.yaml", SKILL.format(name="pdf", spec=f"bundle: |\n    {lines}"))
    bench.apply()
    assert bench.get("Skill", "pdf").spec.artifact == DIGEST


def test_an_archive_beside_a_manifest_is_the_folder(bench: Any, artifacts: Recorded) -> None:
    (bench.folder / "pdf.zip").write_bytes(PACKED)
    bench.write("pdf.yaml", SKILL.format(name="pdf", spec="bundle: {file: pdf.zip}"))
    bench.apply()
    assert bench.get("Skill", "pdf").spec.artifact == DIGEST
    (bench.folder / "pdf.zip").write_bytes(pack([File("SKILL.md", b"# Two\n", False)]))
    bench.apply()
    assert bench.get("Skill", "pdf").spec.skill_md == "# Two\n"


def test_an_archive_of_a_recalled_manifest_is_stored_where_it_is_missing(bench: Any, artifacts: Recorded) -> None:
    bench.write("pdf.yaml", inline(PACKED))
    bench.apply()
    bench.apply()
    artifacts.taken()
    artifacts.forgetful = True
    bench.backend.delete("Skill", "pdf")
    assert bench.apply().status is Status.OK
    assert artifacts.taken() == [DIGEST]


def test_the_printed_form_can_be_applied_again(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.apply()
    artifacts.taken()
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec=f"skillMd: |\n    # PDF\n  artifact: {DIGEST}"))
    shutil.rmtree(skill)
    assert bench.apply().plan.is_empty
    assert artifacts.asked == []


def test_an_artifact_that_is_not_stored_is_a_mistake_at_its_line(bench: Any, artifacts: Recorded) -> None:
    bench.write("pdf.yaml", SKILL.format(name="pdf", spec=f"skillMd: x\n  artifact: {DIGEST}"))
    for outcome in (bench.plan(), bench.apply()):
        (found,) = messages(outcome)
        assert f"pdf.yaml:7:13: spec.artifact: artifact not found: {DIGEST}" in found
        assert "folder" in outcome.diagnostics[0].hint


def test_a_folder_is_left_for_a_text_again(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.apply()
    bench.write("skills/pdf.yaml", SKILL.format(name="pdf", spec="skillMd: y"))
    assert bench.apply().status is Status.OK
    spec = bench.get("Skill", "pdf").spec
    assert (spec.skill_md, spec.artifact) == ("y", "")


def test_manifests_with_folders_delete_what_they_declare(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.write("skills/pdf/config.yaml", "just: data")
    bench.apply()
    assert bench.delete().status is Status.OK
    assert list(bench.backend.list("Skill")) == []


def test_a_mistake_elsewhere_keeps_everything_from_being_stored(bench: Any, skill: Path, artifacts: Recorded) -> None:
    bench.write("bad.yaml", SKILL.format(name="bad", spec="skilMd: x"))
    assert bench.apply().status is Status.INVALID
    assert artifacts.asked == []


def test_a_backend_without_artifacts_says_so(bench: Any, skill: Path) -> None:
    bench.workspace.artifacts = None
    assert bench.plan().status is Status.OK
    outcome = bench.apply()
    assert outcome.status is Status.FAILED
    assert "stores no artifacts" in messages(outcome)[0]
