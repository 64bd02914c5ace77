"""Layer: files named by manifests. Every case runs with the kernel's check and with the fallback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from manifests import ManifestError, beneath, read_beneath


@pytest.fixture(autouse=True, params=["openat2", "fallback"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "fallback":
        monkeypatch.setattr(beneath, "_openat2", lambda folder, relative: None)
    elif not sys.platform.startswith("linux"):
        pytest.skip("only Linux has openat2")
    return str(request.param)


@pytest.fixture
def root(tmp_path: Path) -> str:
    (tmp_path / "secret.md").write_text("secret")
    root = tmp_path / "root"
    (root / "prompts").mkdir(parents=True)
    (root / "prompts" / "a.md").write_text("be kind")
    (root / "big.md").write_text("x" * 100)
    os.mkfifo(root / "pipe")
    (root / "out.md").symlink_to("../secret.md")
    (root / "up").symlink_to("..")
    (root / "etc").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    return str(root)


@pytest.mark.parametrize("path", ["prompts/a.md", "./prompts//a.md", "prompts/../prompts/a.md", "prompts/./a.md"])
def test_a_file_beneath_the_folder_is_read(root: str, path: str) -> None:
    assert read_beneath(root, path, 100) == b"be kind"


@pytest.mark.parametrize(
    "path",
    ["../secret.md", "prompts/../../secret.md", "/etc/passwd", "out.md", "up/secret.md", "etc/passwd", "loop", "a\0b"],
)
def test_no_path_leads_out(root: str, path: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_beneath(root, path, 1_000_000)
    assert caught.value.diagnostic.code in ("path-escape", "unreadable")
    assert "secret" not in caught.value.diagnostic.snippet


def test_an_absolute_path_into_the_folder_is_refused_too(root: str) -> None:
    with pytest.raises(ManifestError, match="leads out"):
        read_beneath(root, f"{root}/prompts/a.md", 100)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("gone.md", "unreadable"),
        ("prompts", "not-a-file"),
        ("prompts/", "not-a-file"),
        ("", "not-a-file"),
        (".", "not-a-file"),
        ("pipe", "not-a-file"),
        ("big.md/x", "unreadable"),
    ],
)
def test_what_is_no_file_is_refused(root: str, path: str, code: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_beneath(root, path, 100)
    assert caught.value.diagnostic.code == code
    assert caught.value.diagnostic.source is not None
    assert caught.value.diagnostic.source.path == path


def test_a_link_within_the_folder_is_followed_by_the_kernel_and_refused_by_the_fallback(root: str, way: str) -> None:
    Path(f"{root}/inside.md").symlink_to("prompts/a.md")
    if way == "openat2":
        assert read_beneath(root, "inside.md", 100) == b"be kind"
    else:
        with pytest.raises(ManifestError, match="leads out"):
            read_beneath(root, "inside.md", 100)


@pytest.mark.parametrize("limit", [99, 100])
def test_the_limit_of_size_is_exact(root: str, limit: int) -> None:
    if limit < 100:
        with pytest.raises(ManifestError, match="larger than 99 bytes"):
            read_beneath(root, "big.md", limit)
    else:
        assert len(read_beneath(root, "big.md", limit)) == 100


def test_no_descriptor_stays_open(root: str) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    for path in ("prompts/a.md", "out.md", "pipe", "gone"):
        try:
            read_beneath(root, path, 100)
        except ManifestError:
            continue
    assert len(list(descriptors.iterdir())) == before
