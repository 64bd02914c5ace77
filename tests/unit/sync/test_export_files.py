"""An export as a folder: where things lie, what is left alone, what is removed, and that nothing leads out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from manifests import open_trees
from reconciler import ResourceKey
from stigmer.contract import default_contract
from stigmer.errors import FailedPrecondition, InvalidArgument
from stigmer.sync import Request, Status, apply
from stigmer.sync.export import export
from stigmer.sync.export_files import FolderSink
from stigmer.sync.export_layout import place_of
from stigmer.sync.export_read import ALL_ORGS, Selection
from stigmer.sync.folder import Folder

API = "agentic.stigmer.ai/v1"
KINDS = default_contract().kinds


def manifest(kind: str, name: str, spec: str, org: str = "") -> str:
    where = f"\n  org: {org}" if org else ""
    return f"apiVersion: {API}\nkind: {kind}\nmetadata:\n  name: {name}{where}\nspec:\n  {spec}\n"


def skill(name: str, org: str = "") -> str:
    return manifest("Skill", name, "skillMd: text", org)


AGENT = manifest("Agent", "bot", "instructions: Help people.")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def filled(bench: Any) -> Any:
    bench.write(
        "all.yaml",
        "---\n".join([skill("triage"), skill("agents", "acme"), skill("x", "agents"), AGENT]),
    )
    bench.apply()
    return bench


def save(bench: Any, out: Path, **options: Any) -> FolderSink:
    selected = {"kinds": tuple(KINDS.values()), "org": ALL_ORGS}
    selected |= {name: options.pop(name) for name in ("kinds", "keys", "org", "selector") if name in options}
    selection = Selection(**selected)
    form, transform = options.get("form", "yaml"), options.pop("transform", None)
    with Folder(out) as folder:
        sink = FolderSink(folder, selection, KINDS, "local", **options)
        export(selection, bench.backend, "local", sink, form=form, transform=transform, emit=lambda _: None)
    return sink


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def counts(sink: FolderSink) -> tuple[int, int, int]:
    return sink.written, sink.unchanged, sink.removed


def test_every_resource_has_a_file_that_its_identity_names(filled: Any, out: Path) -> None:
    sink = save(filled, out)
    assert counts(sink) == (4, 0, 0)
    assert files(out) == {
        "agents/bot.yaml": AGENT,
        "orgs/acme/skills/agents.yaml": skill("agents", "acme"),
        "orgs/agents/skills/x.yaml": skill("x", "agents"),
        "skills/triage.yaml": skill("triage"),
    }


def test_what_was_saved_is_applied_without_a_change(filled: Any, out: Path) -> None:
    save(filled, out)
    outcome = apply(Request((str(out),)), filled.workspace, confirm=lambda _: True, emit=lambda _: None)
    assert outcome.status is Status.OK
    assert outcome.plan is not None
    assert outcome.plan.is_empty
    assert len(outcome.plan.unchanged) == 4


def test_only_files_that_are_not_right_are_written(filled: Any, out: Path) -> None:
    save(filled, out)
    wrong, right = out / "skills/triage.yaml", out / "agents/bot.yaml"
    for path in (wrong, right):
        os.utime(path, ns=(1, 1))
    wrong.write_text("by hand")
    wrong.chmod(0o600)
    assert counts(save(filled, out)) == (1, 3, 0)
    assert right.stat().st_mtime_ns == 1
    assert wrong.read_text() == skill("triage")
    assert wrong.stat().st_mode & 0o777 == 0o600


def test_what_is_no_longer_there_is_reported_and_removed_only_when_asked_for(filled: Any, out: Path) -> None:
    save(filled, out)
    filled.backend.delete("Skill", "triage")
    filled.backend.delete("Skill", "x", "agents")
    assert save(filled, out).foreign == ["skills/triage.yaml", "orgs/agents/skills/x.yaml"]
    sink = save(filled, out, prune=True)
    assert (counts(sink), sink.foreign) == ((0, 2, 2), [])
    assert list(files(out)) == ["agents/bot.yaml", "orgs/acme/skills/agents.yaml"]
    assert sorted(path.name for path in out.iterdir()) == ["agents", "orgs"]
    assert [path.name for path in (out / "orgs").iterdir()] == ["acme"]


def test_only_what_an_export_writes_byte_for_byte_is_removed(filled: Any, out: Path) -> None:
    save(filled, out)
    mine = {
        "skills/commented.yaml": "# mine\n" + skill("commented"),
        "skills/renamed.yaml": skill("other"),
        "skills/elsewhere.yaml": skill("elsewhere", "acme"),
        "skills/two.yaml": skill("two") + "---\n" + skill("three"),
        "skills/broken.yaml": "a: [",
        "skills/list.yaml": "- a\n",
        "skills/no-kind.yaml": "a: 1\n",
        "skills/odd-kind.yaml": "apiVersion: x\nkind: [a]\nmetadata: 3\n",
        "skills/no-name.yaml": f"apiVersion: {API}\nkind: Skill\nmetadata: {{}}\n",
        "skills/not-a-manifest.txt": "kept and not even said",
        "skills/sub/deeper.yaml": skill("deeper"),
        "skills/other.yml": skill("other"),
        "skills/.hidden.yaml": skill("hidden"),
        "skills/empty.yaml": "",
        "unrelated/skills/a.yaml": skill("a"),
        "notes.yaml": skill("notes"),
    }
    for name, text in mine.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)
    (out / "skills/gone.yaml").write_text(skill("gone"))
    (out / "skills/gone.json").write_text(skill("gone"))
    sink = save(filled, out, prune=True)
    assert sink.removed == 1
    assert not (out / "skills/gone.yaml").exists()
    assert {name: text for name, text in files(out).items() if name in mine} == mine
    said = {"broken", "commented", "elsewhere", "empty", "list", "no-kind", "no-name", "odd-kind", "renamed", "two"}
    assert {path.split("/")[1] for path in sink.foreign} == {f"{name}.yaml" for name in said} | {
        "gone.json",
        "other.yml",
    }


def test_an_export_in_the_other_form_takes_the_place_of_the_first(filled: Any, out: Path) -> None:
    save(filled, out)
    sink = save(filled, out, form="json", prune=True)
    assert counts(sink) == (4, 0, 4)
    assert min(files(out)) == "agents/bot.json"
    assert counts(save(filled, out, prune=True)) == (4, 0, 4)


def test_an_export_of_one_kind_or_org_says_nothing_of_the_others(filled: Any, out: Path) -> None:
    save(filled, out)
    filled.backend.delete("Agent", "bot")
    filled.backend.delete("Skill", "agents", "acme")
    assert save(filled, out, kinds=(KINDS["Skill"],), org="").foreign == []
    assert save(filled, out, kinds=(KINDS["Agent"],), org="").foreign == ["agents/bot.yaml"]
    assert save(filled, out, org="acme").foreign == ["orgs/acme/skills/agents.yaml"]
    assert save(filled, out, keys=(ResourceKey("Skill", "local", "triage"),)).foreign == []


def test_names_that_mean_something_to_the_loader_or_are_too_long_are_written_differently(bench: Any, out: Path) -> None:
    slugs = ["stigmer", "con", "a" * 253, "a" * 252 + "b", "a" * 240, "b" * 241]
    bench.write("all.yaml", "---\n".join(map(skill, slugs)))
    bench.apply()
    assert counts(save(bench, out)) == (6, 0, 0)
    found = [path.name for path in (out / "skills").iterdir()]
    assert "stigmer_.yaml" in found
    assert len({name.lower() for name in found}) == 6
    assert all(len(name) <= 250 for name in found)
    tree = open_trees([str(out)], None)  # type: ignore[arg-type]
    assert len(tree.scan().entries) == 6
    assert counts(save(bench, out, prune=True)) == (0, 6, 0)


def test_an_identity_that_could_lead_elsewhere_has_no_place() -> None:
    for org, slug in (("local", "../x"), ("..", "x"), ("local", "A"), ("", "x"), ("local", "x\0"), ("local", "")):
        with pytest.raises(FailedPrecondition, match="no file can be named"):
            place_of(KINDS["Skill"], ResourceKey("Skill", org, slug), "local", ".yaml")


@pytest.mark.parametrize("link", ["skills", "orgs", "orgs/acme", "skills/triage.yaml"])
def test_links_in_the_folder_are_not_followed(filled: Any, out: Path, tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / "file"
    target.write_text("mine")
    (out / link).parent.mkdir(parents=True, exist_ok=True)
    (out / link).symlink_to(target if link.endswith(".yaml") else elsewhere)
    with pytest.raises(FailedPrecondition, match="in the way"):
        save(filled, out)
    assert files(elsewhere) == {"file": "mine"}
    assert (out / link).is_symlink()


def test_a_link_that_no_resource_needs_is_left_alone(filled: Any, out: Path, tmp_path: Path) -> None:
    target = tmp_path / "gone.yaml"
    target.write_text(skill("gone"))
    (out / "skills").mkdir(parents=True)
    (out / "skills/gone.yaml").symlink_to(target)
    (out / "workflows").symlink_to(tmp_path)
    sink = save(filled, out, prune=True)
    assert sink.foreign == ["skills/gone.yaml"]
    assert target.exists()


def test_something_that_is_no_file_is_not_written_over(filled: Any, out: Path) -> None:
    (out / "skills/triage.yaml").mkdir(parents=True)
    with pytest.raises(FailedPrecondition, match=r"skills/triage\.yaml cannot be written"):
        save(filled, out)
    (out / "skills/triage.yaml").rmdir()
    os.mkfifo(out / "skills/triage.yaml")
    with pytest.raises(FailedPrecondition):
        save(filled, out)


def test_the_folder_itself_may_be_a_link_but_not_a_file(filled: Any, out: Path, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    out.symlink_to(tmp_path / "real")
    assert save(filled, out).written == 4
    with pytest.raises(FailedPrecondition, match="is not a folder"):
        save(filled, tmp_path / "real/agents/bot.yaml")
    with pytest.raises(FailedPrecondition, match="is not a folder"):
        save(filled, tmp_path / "real/agents/bot.yaml/below")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    filled: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(filled, out)
    (out / "skills/triage.yaml").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space left") as caught:
            save(filled, out)
    assert caught.value.filename == str(out / "skills/triage.yaml")
    assert files(out)["skills/triage.yaml"] == "old"
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_what_a_killed_write_left_is_removed_when_asked_for(filled: Any, out: Path) -> None:
    save(filled, out)
    (out / "skills/.stigmer-0123456789abcdef.tmp").write_text("half")
    assert save(filled, out).foreign == ["skills/.stigmer-0123456789abcdef.tmp"]
    assert counts(save(filled, out, prune=True)) == (0, 4, 1)


def attach(kind: Any, document: Any, place: Any) -> Any:
    """Skills have two further files."""
    if kind.name != "Skill":
        return document
    name = document["metadata"]["name"]
    assert place.attach("bin/run", b"#!\n", executable=True) == f"{name}/bin/run"
    assert place.attach("SKILL.md", b"text") == f"{name}/SKILL.md"
    return {**document, "spec": {"folder": name}}


def test_a_resource_may_have_further_files_beside_its_manifest(filled: Any, out: Path) -> None:
    sink = save(filled, out, transform=attach)
    assert counts(sink) == (10, 0, 0)
    assert files(out / "skills") == {
        "triage.yaml": manifest("Skill", "triage", "folder: triage"),
        "triage/SKILL.md": "text",
        "triage/bin/run": "#!\n",
    }
    assert [os.access(out / "skills/triage" / name, os.X_OK) for name in ("bin/run", "SKILL.md")] == [True, False]
    (out / "skills/triage/bin/run").chmod(0o644)
    assert counts(save(filled, out, transform=attach)) == (1, 9, 0)
    assert os.access(out / "skills/triage/bin/run", os.X_OK)


def test_further_files_that_are_no_longer_there_are_reported_and_removed_when_asked_for(filled: Any, out: Path) -> None:
    save(filled, out, transform=attach)
    (out / "skills/triage/old/notes.md").parent.mkdir()
    (out / "skills/triage/old/notes.md").write_text("old")
    assert save(filled, out, transform=attach).foreign == ["skills/triage/old/notes.md"]
    assert counts(save(filled, out, transform=attach, prune=True)) == (0, 10, 1)
    assert not (out / "skills/triage/old").exists()
    filled.backend.delete("Skill", "triage")
    assert save(filled, out, transform=attach).foreign == ["skills/triage.yaml"]
    assert counts(save(filled, out, transform=attach, prune=True)) == (0, 7, 3)
    assert not (out / "skills").exists()


def test_the_folder_beside_a_manifest_that_does_not_speak_of_it_is_somebodys(filled: Any, out: Path) -> None:
    save(filled, out)
    (out / "skills/triage").mkdir()
    (out / "skills/triage/mine.md").write_text("mine")
    filled.backend.delete("Skill", "triage")
    assert counts(save(filled, out, prune=True)) == (0, 3, 1)
    assert (out / "skills/triage/mine.md").read_text() == "mine"


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../b", "a//b", "a/", ".", "a\0b"])
def test_a_further_file_cannot_be_put_elsewhere(path: str) -> None:
    place = place_of(KINDS["Skill"], ResourceKey("Skill", "local", "x"), "local", ".yaml")
    with pytest.raises(InvalidArgument):
        place.attach(path, b"")
    assert place.files == {}
