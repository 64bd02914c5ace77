"""Skills with files, as a user has them: folders applied, changed, pulled, exported and imported."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stigmer.contract.archive import File, artifact_digest, pack


@pytest.fixture
def skill(cli) -> Path:
    """A skill's folder beside its manifest, skills/pdf.yaml."""
    return write_skill(cli)


def write_skill(cli: Any, name: str = "pdf", **spec: Any) -> Path:
    cli.write(f"skills/{name}.yaml", cli.manifest("Skill", name, {"folder": f"./{name}"} | spec))
    folder = cli.folder / "skills" / name
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("# PDF\nRead it.\n")
    (folder / "scripts" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "scripts" / "run.sh").chmod(0o755)
    (folder / "settings.yaml").write_text("just: data\n")
    return folder


def content(folder: Path) -> dict[str, tuple[bytes, bool]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), os.access(path, os.X_OK)) for path in files}


def stored(cli: Any, slug: str = "pdf") -> str:
    return str(cli.live("skill", slug)["spec"]["artifact"])


def test_a_folder_is_applied_and_every_change_in_it_is_seen(cli, skill):
    assert cli.json("apply", "-f", "skills")["summary"]["created"] == 1
    first = stored(cli)
    assert cli.json("apply", "-f", "skills")["summary"]["unchanged"] == 1
    (skill / "SKILL.md").write_text("# PDF\nRead all of it.\n")
    text = cli.ok("plan", "-f", "skills").out
    assert "+ Read all of it." in text
    assert first in text
    assert stored(cli) == first
    cli.ok("apply", "-f", "skills")
    assert stored(cli) != first
    printed = cli.ok("get", "skill", "pdf", "-o", "yaml").out
    assert f"artifact: {stored(cli)}" in printed
    assert cli.json("apply", "-f", "-", stdin=printed)["summary"]["unchanged"] == 1


def test_a_plan_of_a_new_folder_stores_nothing(cli, skill):
    cli.ok("plan", "-f", "skills")
    listed = [File(path, *rest) for path, rest in content(skill).items()]
    digest = artifact_digest(pack(listed))
    manifest = cli.manifest("Skill", "copy", {"skillMd": "# PDF\nRead it.\n", "artifact": digest})
    refused = cli("apply", "-f", cli.write("copy.yaml", manifest))
    assert refused.code != 0
    assert f"spec.artifact: artifact not found: {digest}" in refused.err
    assert "copy.yaml:" in refused.err
    assert "give the files" in refused.err
    cli.ok("apply", "-f", "skills", "-f", "copy.yaml")


def test_a_link_is_refused_at_its_line(cli, skill):
    (skill / "scripts" / "x").symlink_to("/etc/passwd")
    refused = cli("apply", "-f", "skills")
    assert refused.code != 0
    assert "pdf.yaml:" in refused.err
    assert "scripts/x is a symbolic link" in refused.err
    assert cli.slugs("skill") == set()


def test_a_skill_is_pulled_as_it_was_applied(cli, skill):
    cli.ok("apply", "-f", "skills")
    listed = cli.ok("skill", "pull", "pdf").out.splitlines()
    assert listed == ["pdf/SKILL.md", "pdf/scripts/run.sh", "pdf/settings.yaml"]
    assert content(cli.folder / "pdf") == content(skill)
    told = cli.json("skill", "pull", "pdf", "--dir", "deep/er")
    assert told["artifact"] == stored(cli)
    assert [file["executable"] for file in told["files"]] == [False, True, False]
    cli.write("pulled.yaml", cli.manifest("Skill", "pdf", {"folder": "deep/er"}))
    assert cli.json("apply", "-f", "pulled.yaml")["summary"]["unchanged"] == 1


def test_a_pull_writes_into_nothing_that_is_not_empty_unless_forced(cli, skill):
    cli.ok("apply", "-f", "skills")
    mine = cli.folder / "mine"
    mine.mkdir()
    (mine / "SKILL.md").write_text("old")
    (mine / "notes.txt").write_text("keep me")
    refused = cli("skill", "pull", "pdf", "--dir", "mine")
    assert refused.code != 0
    assert "--force" in refused.err
    assert (mine / "SKILL.md").read_text() == "old"
    cli.ok("skill", "pull", "pdf", "--dir", "mine", "--force")
    assert (mine / "SKILL.md").read_text().startswith("# PDF")
    assert (mine / "notes.txt").read_text() == "keep me"


def test_a_pull_follows_no_link_out_of_its_folder(cli, skill, tmp_path):
    cli.ok("apply", "-f", "skills")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("untouched")
    mine = cli.folder / "mine"
    mine.mkdir()
    (mine / "scripts").symlink_to(outside)
    assert cli("skill", "pull", "pdf", "--dir", "mine", "--force").code != 0
    (mine / "scripts").unlink()
    (mine / "SKILL.md").unlink()
    (mine / "SKILL.md").symlink_to(outside / "victim")
    assert cli("skill", "pull", "pdf", "--dir", "mine", "--force").code != 0
    assert [each.name for each in outside.iterdir()] == ["victim"]
    assert (outside / "victim").read_text() == "untouched"


def test_a_skill_of_a_text_alone_is_pulled_too(cli):
    cli.ok("apply", "-f", cli.write("s.yaml", cli.manifest("Skill", "plain", {"skillMd": "# Plain\n"})))
    assert cli.json("skill", "pull", "plain")["artifact"] is None
    assert content(cli.folder / "plain") == {"SKILL.md": (b"# Plain\n", False)}
    assert "skill not found" in cli("skill", "pull", "nothing").err


@pytest.fixture(scope="module")
def other_home(run_cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of another backend, which has none of the artifacts."""
    home = tmp_path_factory.mktemp("home2")
    yield home
    run_cli(home)("local", "stop")


@pytest.fixture
def other_cli(run_cli, other_home, cli, tmp_path: Path) -> Any:
    """The program over the other backend, in the same org."""
    return run_cli(other_home, cli.org, tmp_path)


def test_an_export_carries_the_files_to_another_backend(cli, skill, other_cli):
    write_skill(cli, "word", description="Writes letters")
    cli.write("plain.yaml", cli.manifest("Skill", "plain", {"skillMd": "# Plain\n"}))
    cli.ok("apply", "-f", ".")
    stream = cli.ok("export", "--all").out
    assert "bundle: " in stream
    assert "artifact:" not in stream
    other_cli.ok("import", stdin=stream)
    assert other_cli.ok("export", "--all").out == stream
    assert stored(other_cli) == stored(cli)


def test_an_exported_folder_is_what_was_applied(cli, skill, other_cli):
    with zipfile.ZipFile(cli.folder / "foreign.zip", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("SKILL.md", "# Packed by another program\n" * 100)
    cli.write("foreign.yaml", cli.manifest("Skill", "foreign", {"bundle": {"file": "foreign.zip"}}))
    cli.ok("apply", "-f", ".")
    cli.ok("export", "--all", "--dir", "out")
    (manifest,) = (cli.folder / "out").rglob("pdf.yaml")
    assert "folder: pdf" in manifest.read_text()
    assert content(manifest.parent / "pdf") == content(skill)
    other_cli.ok("import", "-f", cli.folder / "out")
    for slug in ("pdf", "foreign"):
        assert stored(other_cli, slug) == stored(cli, slug)
    assert other_cli.ok("export", "--all").out == cli.ok("export", "--all").out
    before = content(cli.folder / "out")
    cli.ok("export", "--all", "--dir", "out", "--prune")
    assert content(cli.folder / "out") == before


def test_files_too_large_for_a_stream_are_told_with_the_way_out(cli, skill):
    (skill / "noise").write_bytes(os.urandom(900_000))
    cli.ok("apply", "-f", "skills")
    refused = cli("export", "--all")
    assert refused.code != 0
    assert refused.out == ""
    assert "skill pdf" in refused.err
    assert "--dir" in refused.err
    cli.ok("export", "--all", "--dir", "out")
    assert cli.json("apply", "-f", "out")["summary"]["unchanged"] == 1
