"""The one table of settings: what `config.yaml` may contain, which environment variable stands above it, and what
holds when neither is given. `config` resolves it, `config_file` reads and writes by it, and nothing else lists keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from stigmer.errors import InvalidArgument

ENGINES = ("lmdb", "sqlite")
"""Storage engines that keep data, the default first."""

BACKEND_TYPES = ("local", "cloud")

LOG_LEVELS = ("debug", "info", "warning", "error")

HOME_VARIABLE = "STIGMER_HOME"
"""The home folder of stigmer: configuration, data and cache in one place instead of the system's own."""


class Form(Enum):
    """What the text of a setting means."""

    TEXT = "text"
    PATH = "path"
    """`~` stands for the user's home; see `config` for what a relative path is relative to."""
    CHOICE = "choice"
    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class Setting:
    """One dotted key. `default` is final except for paths, which are relative to the home folder of stigmer."""

    key: str
    form: Form
    summary: str
    variable: str = ""
    default: str = ""
    choices: tuple[str, ...] = ()
    older_names: tuple[str, ...] = ()
    """Last segments accepted in place of this key's."""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.key.split("."))


SETTINGS: tuple[Setting, ...] = (
    Setting("backend.type", Form.CHOICE, "where resources live", "STIGMER_BACKEND", "local", BACKEND_TYPES),
    Setting(
        "backend.local.data_dir",
        Form.PATH,
        "folder of the local backend's data",
        "STIGMER_DATA_DIR",
        "data",
        older_names=("db_path",),
    ),
    Setting(
        "backend.local.engine",
        Form.CHOICE,
        "storage engine of the local backend's data",
        "STIGMER_ENGINE",
        ENGINES[0],
        ENGINES,
    ),
    Setting("backend.cloud.endpoint", Form.TEXT, "host:port of the cloud backend", "STIGMER_ENDPOINT"),
    Setting("backend.cloud.token", Form.MASKED, "API token of the cloud backend", "STIGMER_TOKEN"),
    Setting(
        "backend.cloud.organization",
        Form.TEXT,
        "org that manifests without one belong to",
        "STIGMER_ORG",
        older_names=("org_id",),
    ),
    Setting("log_level", Form.CHOICE, "how much the daemon logs", "STIGMER_LOG_LEVEL", "info", LOG_LEVELS),
)

BY_KEY: dict[str, Setting] = {setting.key: setting for setting in SETTINGS}

BY_PATH: dict[tuple[str, ...], Setting] = {
    (*setting.path[:-1], name): setting for setting in SETTINGS for name in (setting.path[-1], *setting.older_names)
}
"""Every spelling that a file may use, older names included."""

SECTIONS: frozenset[tuple[str, ...]] = frozenset(path[:size] for path in BY_PATH for size in range(len(path)))
"""The maps of the file, the root `()` among them."""


def find(key: str) -> Setting:
    """The setting of a dotted key, older names included. InvalidArgument naming the nearest and all valid keys."""
    path = tuple(key.split("."))
    setting = BY_PATH.get(path)
    if setting is not None:
        return setting
    if path in SECTIONS:
        below = ", ".join(name for name in BY_KEY if name.startswith(f"{key}."))
        raise InvalidArgument(f"{key} is a section, not a setting", hint=f"its settings: {below}")
    raise InvalidArgument(f"unknown setting {key}{suggestion(key, BY_KEY)}", hint=f"settings: {', '.join(BY_KEY)}")


def names_below(section: tuple[str, ...]) -> list[str]:
    """The names that may stand in a section, older spellings left out, in the table's order."""
    depth = len(section)
    return list(dict.fromkeys(s.path[depth] for s in SETTINGS if s.path[:depth] == section))


def check(setting: Setting, text: str, where: str) -> str:
    """`text` if the setting may hold it. InvalidArgument, led by `where`, that names the valid values."""
    if "\0" in text or "\n" in text or "\r" in text:
        raise InvalidArgument(f"{where}: {setting.key} must be a single line without NUL")
    if setting.form is not Form.CHOICE or text in setting.choices:
        return text
    valid = ", ".join(setting.choices)
    raise InvalidArgument(
        f"{where}: {setting.key} cannot be {text!r}{suggestion(text, setting.choices)}", hint=f"valid values: {valid}"
    )


def suggestion(word: str, valid: Iterable[str]) -> str:
    """`; did you mean X?` for the nearest valid word, or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(valid), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
