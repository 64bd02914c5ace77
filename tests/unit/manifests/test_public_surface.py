"""Layer: the package as others see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import manifests

SURFACE = [
    "DEFAULT_LIMITS",
    "Diagnostic",
    "Entry",
    "FileTree",
    "FolderFile",
    "IMPORT_LIMITS",
    "Limits",
    "Loaded",
    "Manifest",
    "ManifestError",
    "MemoryTree",
    "Parsed",
    "Position",
    "Related",
    "Scan",
    "Severity",
    "Source",
    "StatCache",
    "StdinTree",
    "Tree",
    "has_errors",
    "load",
    "open_trees",
    "parse",
    "read_as_scanned",
    "read_beneath",
    "read_folder",
    "render",
    "render_json",
    "suggest",
]


def test_the_public_names_are_frozen() -> None:
    assert sorted(manifests.__all__) == sorted(SURFACE)


def test_every_public_name_exists_and_says_what_it_is() -> None:
    for name in manifests.__all__:
        value = getattr(manifests, name)
        assert value.__doc__, name


def test_no_module_hides_a_public_name() -> None:
    modules = {path.stem for path in Path(manifests.__file__).parent.glob("*.py")}
    assert modules.isdisjoint(manifests.__all__)


def test_rendering_needs_no_loader() -> None:
    code = "import sys; from manifests import render; print('manifests.loader' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=_paths(), check=True)
    assert done.stdout.strip() == "False"


def test_importing_the_package_loads_nothing_but_yaml_and_the_standard_library() -> None:
    code = """
import sys
before = set(sys.modules)
import manifests
everything = [getattr(manifests, name) for name in manifests.__all__]
loaded = {name.split(".")[0] for name in set(sys.modules) - before if "cython" not in name}
print(sorted(loaded - sys.stdlib_module_names - {"yaml", "manifests"}))
"""
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=_paths(), check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_leaves_slow_modules_for_later() -> None:
    code = """
import sys, manifests
everything = [getattr(manifests, name) for name in manifests.__all__]
print([name for name in ("difflib", "ctypes", "tempfile", "asyncio") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, env=_paths(), check=True)
    assert done.stdout.strip() == "[]"


def _paths() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}
