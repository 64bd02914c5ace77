"""`config.yaml` as a file: strict reading with the line of every value, and atomic replacement.

Parsing uses PyYAML's own (not the C) loader: the file is a few lines long, and bad nesting ends in an exception here
instead of the process's end.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer.backend.config_edit import edit, is_map, is_null, is_scalar, render
from stigmer.backend.settings import BY_PATH, SECTIONS, Setting, check, names_below, suggestion
from stigmer.errors import FailedPrecondition, InvalidArgument

if TYPE_CHECKING:
    from yaml.nodes import Node

MAX_FILE_BYTES = 64 * 1024
"""A configuration is a few hundred bytes; more is another file by mistake."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value found in the file, and its line (from 1)."""

    setting: Setting
    text: str
    line: int


def read(path: Path) -> dict[str, Entry]:
    """What the file says, by dotted key; empty when there is no file. InvalidArgument with `path:line:column` for
    everything that is not exactly a configuration; FailedPrecondition when the file cannot be read."""
    return parse(_read_text(path), path)


def parse(text: str, path: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    root = _compose(text, path) if text else None  # without a file, yaml is not loaded
    if root is not None:
        _collect(root, (), path, entries)
    return entries


def write(path: Path, setting: Setting, value: str) -> None:
    """Sets one value: the rest of the file, comments included, stays. The file is replaced atomically, mode 0600, and
    its folder made with mode 0700. FailedPrecondition when that cannot be done."""
    text = _read_text(path)
    wanted = {key: entry.text for key, entry in parse(text, path).items()} | {setting.key: value}
    edited = edit(_compose(text, path), text, setting, value)
    if not _says(edited, wanted, path):
        edited = render(wanted)
    _replace(path, edited)


def is_exposed(path: Path) -> bool:
    """True when others than the owner may read the file."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise FailedPrecondition(f"cannot read {path}: {error.strerror}", reason="CONFIG_UNREADABLE") from error
    if len(data) > MAX_FILE_BYTES:
        raise InvalidArgument(f"{path} is larger than {MAX_FILE_BYTES // 1024} KiB: is it the configuration?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidArgument(f"{path}:{line}: not UTF-8 text") from error


def _compose(text: str, path: Path) -> Node | None:
    import yaml

    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InvalidArgument(f"{place}: not YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidArgument(f"{path}:{line}: not YAML: {error.reason}") from error
    except RecursionError:
        raise InvalidArgument(f"{path}: nested too deeply to be a configuration") from None


def _collect(node: Node, section: tuple[str, ...], path: Path, entries: dict[str, Entry]) -> None:
    """Adds the settings of one section and of those within it."""
    if is_null(node):
        return
    if not is_map(node):
        name = ".".join(section) or "a configuration"
        raise InvalidArgument(f"{_place(path, node)}: {name} must be a map of settings", hint=_names(section))
    seen: set[str] = set()
    for key, value in node.value:
        name = key.value if _is_text(key) else ""
        child = (*section, name)
        if name in seen:
            raise InvalidArgument(f"{_place(path, key)}: {'.'.join(child)} is given twice")
        seen.add(name)
        if child in SECTIONS:
            _collect(value, child, path, entries)
        else:
            _add(BY_PATH.get(child), key, value, section, path, entries)


def _add(
    setting: Setting | None, key: Node, value: Node, section: tuple[str, ...], path: Path, entries: dict[str, Entry]
) -> None:
    place = _place(path, key)
    if setting is None:
        unknown = ".".join((*section, str(key.value) if is_scalar(key) else "(a list or map)"))
        near = suggestion(str(key.value), names_below(section))
        raise InvalidArgument(f"{place}: unknown setting {unknown}{near}", hint=_names(section))
    if is_null(value):
        return
    if not _is_text(value):
        raise InvalidArgument(f"{_place(path, value)}: {setting.key} must be a string{_quote_advice(value)}")
    if setting.key in entries:
        other = entries[setting.key]
        raise InvalidArgument(
            f"{place}: {key.value} is the same setting as on line {other.line}",
            hint=f"keep {setting.path[-1]}, the newer name",
        )
    text = check(setting, value.value, _place(path, value))
    entries[setting.key] = Entry(setting, text, value.start_mark.line + 1)


def _says(text: str, wanted: dict[str, str], path: Path) -> bool:
    try:
        return {key: entry.text for key, entry in parse(text, path).items()} == wanted
    except InvalidArgument:
        return False


def _replace(path: Path, text: str) -> None:
    import tempfile

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = path.resolve()
        handle, temporary = tempfile.mkstemp(prefix=".config-", suffix=".yaml", dir=target.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> FailedPrecondition:
    return FailedPrecondition(f"cannot write {path}: {error.strerror}", reason="CONFIG_UNWRITABLE")


def _is_text(node: Node) -> bool:
    return is_scalar(node) and node.tag == "tag:yaml.org,2002:str"


def _quote_advice(node: Node) -> str:
    return f': write "{node.value}" in quotes' if is_scalar(node) else ""


def _place(path: Path, node: Node) -> str:
    return f"{path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _names(section: tuple[str, ...]) -> str:
    return f"valid here: {', '.join(names_below(section))}"
