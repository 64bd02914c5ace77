"""Layer: which files are listed and how they are read. Real folders; nothing is parsed."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from manifests import Entry, FileTree, Limits, ManifestError, MemoryTree, Scan, StdinTree, Tree, load, open_trees
from manifests.walk import FOLDER_DEPTH


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(*paths: str) -> None:
    for path in paths:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"path: {path}\n")


def listed(*paths: str, recursive: bool = True) -> list[str]:
    scan = FileTree(paths, recursive).scan()
    assert scan.diagnostics == ()
    return [entry.path for entry in scan.entries]


def refused(*paths: str) -> list[tuple[str, str]]:
    return [(item.source.path, item.code) for item in FileTree(paths).scan().diagnostics if item.source]


def content(tree: Tree, scan: Scan) -> dict[str, bytes]:
    return {entry.path: tree.read(entry) for entry in (*scan.entries, *scan.project_files)}


def test_a_folder_is_listed_files_first_and_sorted() -> None:
    write("m/b.yaml", "m/a/2.yml", "m/a/10.json", "m/c.yaml", "m/a.yaml", "m/notes.txt", "m/b/x/y.yaml")
    expected = ["m/a.yaml", "m/b.yaml", "m/c.yaml", "m/a/10.json", "m/a/2.yml", "m/b/x/y.yaml"]
    assert listed("m") == listed("m/") == expected


def test_paths_are_shown_as_they_were_given(tmp_path: Path) -> None:
    write("m/a.yaml")
    assert listed(str(tmp_path / "m")) == [str(tmp_path / "m" / "a.yaml")]
    assert listed(".") == ["m/a.yaml"]
    assert listed("./m") == ["./m/a.yaml"]
    assert listed("m/../m/a.yaml") == ["m/../m/a.yaml"]


def test_hidden_files_and_folders_are_left_out() -> None:
    write("m/a.yaml", "m/.b.yaml", "m/.git/c.yaml")
    assert listed("m") == ["m/a.yaml"]


def test_a_hidden_file_that_is_named_is_read() -> None:
    write(".b.yaml")
    assert listed(".b.yaml") == [".b.yaml"]


def test_without_recursion_folders_are_left_out() -> None:
    write("m/a.yaml", "m/b/c.yaml")
    assert listed("m", recursive=False) == ["m/a.yaml"]


def test_the_project_file_is_no_manifest() -> None:
    write("m/Stigmer.yaml", "m/a.yaml", "m/sub/stigmer.yml", "m/sub/stigmer-agent.yaml")
    tree = FileTree(["m", "m/Stigmer.yaml"])
    scan = tree.scan()
    assert [entry.path for entry in scan.entries] == ["m/a.yaml", "m/sub/stigmer-agent.yaml"]
    assert [entry.path for entry in scan.project_files] == ["m/Stigmer.yaml", "m/sub/stigmer.yml"]
    assert content(tree, scan)["m/Stigmer.yaml"] == b"path: m/Stigmer.yaml\n"


def test_a_named_file_needs_no_suffix() -> None:
    write("agent.txt")
    assert listed("agent.txt") == ["agent.txt"]


def test_every_real_file_is_listed_once_under_its_first_path() -> None:
    write("m/a.yaml", "m/b/c.yaml")
    assert listed("m/b", "m", "m/a.yaml", "./m") == ["m/b/c.yaml", "m/a.yaml"]
    Path("link").symlink_to("m")
    assert listed("m", "link") == ["m/a.yaml", "m/b/c.yaml"]


def test_hard_links_in_one_folder_are_two_manifests() -> None:
    write("m/a.yaml")
    os.link("m/a.yaml", "m/b.yaml")
    assert listed("m") == ["m/a.yaml", "m/b.yaml"]


def test_the_order_given_is_the_order_listed() -> None:
    write("b.yaml", "a.yaml", "m/c.yaml")
    assert listed("m", "b.yaml", "a.yaml") == ["m/c.yaml", "b.yaml", "a.yaml"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("m/*.yaml", ["m/a.yaml", "m/b.yaml"]),
        ("m/?.y*ml", ["m/a.yaml", "m/b.yaml", "m/d.yml"]),
        ("m/[!a].yaml", ["m/b.yaml"]),
        ("*/team-*/*.yaml", ["m/team-1/x.yaml", "m/team-2/y.yaml"]),
        ("m/**/*.yaml", ["m/a.yaml", "m/b.yaml", "m/team-1/x.yaml", "m/team-2/deep/z.yaml", "m/team-2/y.yaml"]),
        ("m/team-*", ["m/team-1/x.yaml", "m/team-2/y.yaml", "m/team-2/deep/z.yaml"]),
        ("m/*", ["m/a.yaml", "m/b.yaml", "m/d.yml", "m/team-1/x.yaml", "m/team-2/y.yaml", "m/team-2/deep/z.yaml"]),
    ],
)
def test_patterns_are_expanded_where_the_shell_did_not(pattern: str, expected: list[str]) -> None:
    write("m/b.yaml", "m/a.yaml", "m/d.yml", "m/e.txt", "m/.f.yaml")
    write("m/team-2/y.yaml", "m/team-2/deep/z.yaml", "m/team-1/x.yaml")
    assert sorted(listed(pattern)) == sorted(expected)


def test_a_file_whose_name_is_a_pattern_is_that_file() -> None:
    write("m/[a].yaml", "m/a.yaml")
    assert listed("m/[a].yaml") == ["m/[a].yaml"]


def test_what_is_missing_is_refused() -> None:
    write("m/notes.txt", "m/.hidden.yaml", "file")
    assert refused("gone", "gone.yaml", "m", "m/*.yaml", "file/x.yaml", "a\0b") == [
        ("gone", "not-found"),
        ("gone.yaml", "not-found"),
        ("m", "no-manifests"),
        ("m/*.yaml", "not-found"),
        ("file/x.yaml", "unreadable"),
        ("a\0b", "unreadable"),
    ]


def test_a_folder_with_only_a_project_file_has_no_manifests() -> None:
    write("m/Stigmer.yaml")
    scan = FileTree(["m"]).scan()
    assert [item.code for item in scan.diagnostics] == ["no-manifests"]
    assert [entry.path for entry in scan.project_files] == ["m/Stigmer.yaml"]


def test_a_folder_that_was_listed_before_is_not_called_empty() -> None:
    write("m/a.yaml")
    assert refused("m", "m") == refused("m/a.yaml", "m") == []


def test_symbolic_links_inside_a_folder_are_refused_where_they_matter() -> None:
    write("outside/secret.yaml", "outside/notes.txt", "m/a.yaml")
    Path("m/link.yaml").symlink_to("../outside/secret.yaml")
    Path("m/folder").symlink_to("../outside")
    Path("m/inside.yaml").symlink_to("a.yaml")
    Path("m/loop").symlink_to("loop")
    Path("m/dangling.yaml").symlink_to("nowhere.yaml")
    Path("m/notes.txt").symlink_to("../outside/notes.txt")
    scan = FileTree(["m"]).scan()
    assert [entry.path for entry in scan.entries] == ["m/a.yaml"]
    assert sorted((item.source.path, item.code) for item in scan.diagnostics if item.source) == [
        ("m/dangling.yaml", "symlink"),
        ("m/folder", "symlink"),
        ("m/inside.yaml", "symlink"),
        ("m/link.yaml", "symlink"),
        ("m/loop", "symlink"),
    ]


def test_a_link_that_is_named_is_followed() -> None:
    write("real/a.yaml")
    Path("folder").symlink_to("real")
    Path("file.yaml").symlink_to("real/a.yaml")
    assert listed("folder") == ["folder/a.yaml"]
    tree = FileTree(["file.yaml"])
    assert content(tree, tree.scan()) == {"file.yaml": b"path: real/a.yaml\n"}


def test_what_is_no_regular_file_is_refused() -> None:
    write("m/a.yaml")
    os.mkfifo("m/pipe.yaml")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("m/socket.yaml")
        assert refused("m") == [("m/pipe.yaml", "not-a-file"), ("m/socket.yaml", "not-a-file")]
    messages = [item.message for item in FileTree(["m/pipe.yaml", "/dev/null"]).scan().diagnostics]
    assert messages == ["a named pipe is not a manifest", "a device is not a manifest"]


def test_a_name_that_is_not_utf8_is_refused() -> None:
    write("m/a.yaml")
    Path(os.fsdecode(b"m/\xff.yaml")).write_text("a: 1")
    assert [item.code for item in FileTree(["m"]).scan().diagnostics] == ["file-name"]


@pytest.mark.parametrize("depth", [FOLDER_DEPTH - 1, FOLDER_DEPTH])
def test_folders_are_not_followed_without_end(depth: int) -> None:
    write("m/" + "d/" * depth + "a.yaml")
    codes = [item.code for item in FileTree(["m"]).scan().diagnostics]
    assert codes == (["too-deep"] if depth >= FOLDER_DEPTH else [])


def test_what_may_not_be_read_is_refused() -> None:
    write("m/a.yaml", "m/closed/b.yaml", "m/secret.yaml", "p/x/y.yaml")
    Path("m/closed").chmod(0)
    Path("p/x").chmod(0)
    Path("m/secret.yaml").chmod(0)
    code = """
import os
from manifests import FileTree, load
if os.geteuid() == 0:
    os.setresuid(65534, 65534, 65534)
loaded = load(FileTree(["m", "p/*/*.yaml"]))
print(sorted((item.source.path, item.code, item.message) for item in loaded.diagnostics))
"""
    Path.cwd().chmod(0o755)
    environment = {"PYTHONPATH": ":".join(item for item in sys.path if item)}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
        )
    finally:
        for closed in ("m/closed", "p/x", "m/secret.yaml"):
            Path(closed).chmod(0o700)
    assert done.stdout.strip() == str(
        [
            ("m/closed/", "unreadable", "cannot be read: permission denied"),
            ("m/secret.yaml", "unreadable", "cannot be read: permission denied"),
            ("p/*/*.yaml", "unreadable", "cannot be read: permission denied"),
        ]
    ), done.stderr


def test_a_file_is_read_as_it_is_now() -> None:
    write("m/sub/a.yaml")
    tree = FileTree(["m"])
    (entry,) = tree.scan().entries
    Path("m/sub/a.yaml").write_text("changed: since the scan\n")
    assert tree.read(entry) == b"changed: since the scan\n"
    Path("m/sub/a.yaml").unlink()
    with pytest.raises(ManifestError, match="no such file"):
        tree.read(entry)


@pytest.mark.parametrize("swapped", ["m/sub/a.yaml", "m/sub"])
def test_what_was_swapped_for_a_link_after_the_scan_is_not_read(swapped: str) -> None:
    write("m/sub/a.yaml", "outside/a.yaml")
    tree = FileTree(["m"])
    (entry,) = tree.scan().entries
    Path(swapped).rename("moved")
    Path(swapped).symlink_to(Path("outside/a.yaml" if swapped.endswith(".yaml") else "outside").resolve())
    with pytest.raises(ManifestError) as caught:
        tree.read(entry)
    assert caught.value.diagnostic.code == "unreadable"


def test_what_was_swapped_for_a_pipe_after_the_scan_is_not_waited_for() -> None:
    write("m/a.yaml", "b.yaml")
    tree = FileTree(["m", "b.yaml"])
    entries = tree.scan().entries
    for path in ("m/a.yaml", "b.yaml"):
        Path(path).unlink()
        os.mkfifo(path)
    for entry in entries:
        with pytest.raises(ManifestError, match="a named pipe is not a manifest"):
            tree.read(entry)


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    with Path("big.yaml").open("wb") as file:
        file.truncate(17 << 20)
    tree = FileTree(["big.yaml"])
    (entry,) = tree.scan().entries
    with pytest.raises(ManifestError, match="larger than 16 MiB"):
        tree.read(entry)


@pytest.mark.parametrize("sizes", [[5, 9, 9], [9, 5, 5], [1, 2, 3, 4, 5, 6]], ids=["grows", "shrinks", "never rests"])
def test_a_file_that_changes_while_it_is_read_is_read_again(sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.yaml").write_bytes(b"x" * sizes[0])
    tree = FileTree(["a.yaml"])
    (entry,) = tree.scan().entries
    rest, read = iter(sizes[1:]), os.read

    def read_and_change(descriptor: int, size: int) -> bytes:
        data = read(descriptor, size)
        following = next(rest, None)
        if following is not None:
            Path("a.yaml").write_bytes(b"y" * following)
        return data

    monkeypatch.setattr(os, "read", read_and_change)
    if len(sizes) > 3:
        with pytest.raises(ManifestError, match="keeps changing"):
            tree.read(entry)
    else:
        assert tree.read(entry) == b"y" * sizes[-1]


def test_an_entry_that_was_never_scanned_is_not_read() -> None:
    write("m/a.yaml", "other.yaml")
    tree = FileTree(["m"])
    tree.scan()
    with pytest.raises(ManifestError, match="was not scanned"):
        tree.read(Entry("other.yaml", b""))


def test_the_identity_changes_with_the_content() -> None:
    write("a.yaml")
    first = FileTree(["a.yaml"]).scan().entries[0]
    assert FileTree(["a.yaml"]).scan().entries[0] == first
    Path("b.yaml").write_text("path: b.yaml\n")
    Path("b.yaml").replace("a.yaml")
    assert FileTree(["a.yaml"]).scan().entries[0].identity != first.identity


def test_standard_input_is_one_manifest_read_once() -> None:
    tree = StdinTree(io.BytesIO(b"a: 1\n---\nb: 2\n"))
    loaded = load(tree)
    assert [str(item.source) for item in loaded.manifests] == ["<stdin>:1:1", "<stdin>:3:1"]
    assert tree.read(tree.scan().entries[0]) == b"a: 1\n---\nb: 2\n"


def test_standard_input_over_the_limit_is_refused() -> None:
    tree = StdinTree(io.BytesIO(b"#" * 101), Limits(file_bytes=100))
    assert [item.code for item in load(tree).diagnostics] == ["file-too-large"]


def test_files_and_standard_input_are_combined_in_the_order_given() -> None:
    write("a.yaml", "m/b.yaml")
    tree = open_trees(["m", "-", "a.yaml", "-"], io.BytesIO(b"from: stdin"))
    loaded = load(tree)
    assert [item.source.path for item in loaded.manifests] == ["m/b.yaml", "<stdin>", "a.yaml"]
    assert tree.label == "m, <stdin>, a.yaml"


def test_without_a_dash_standard_input_is_not_touched() -> None:
    write("a.yaml")
    stream = io.BytesIO(b"x: y")
    assert [item.value for item in load(open_trees(["a.yaml"], stream)).manifests] == [{"path": "a.yaml"}]
    assert stream.tell() == 0
    assert open_trees(["-"], stream).label == "<stdin>"


def test_a_memory_tree_lists_what_it_was_given() -> None:
    tree = MemoryTree({"b.yaml": "b", "a.yaml": b"a"})
    assert content(tree, tree.scan()) == {"b.yaml": b"b", "a.yaml": b"a"}
    with pytest.raises(ManifestError):
        tree.read(Entry("c.yaml", b""))


def test_a_walk_leaves_no_descriptor_open() -> None:
    write("m/a/b.yaml", "m/c/d/e.yaml")
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    tree = FileTree(["m"])
    content(tree, tree.scan())
    assert len(list(descriptors.iterdir())) == before
