"""What a run of stigmer is told: each setting from a flag, else the environment, else `config.yaml`, else its default,
together with where it came from. Commands load it once; `factory` opens a backend from it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from stigmer.backend import config_file
from stigmer.backend.config_file import Entry
from stigmer.backend.secret import MASK, Secret
from stigmer.backend.settings import HOME_VARIABLE, SETTINGS, Form, Setting, check, find
from stigmer.errors import FailedPrecondition, InvalidArgument, NotFound

FILE_NAME = "config.yaml"


class Source(Enum):
    """Where a value came from, strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and its provenance. `origin` is the flag, the variable, or `path:line`; empty for a default.
    `str(value)` may be shown: a secret is masked."""

    setting: Setting
    raw: Secret
    source: Source
    origin: str = ""

    @property
    def key(self) -> str:
        return self.setting.key

    @property
    def text(self) -> str:
        """The value in plain, also a secret's."""
        return self.raw.reveal()

    def __str__(self) -> str:
        return MASK if self.setting.form is Form.MASKED and self.raw else self.raw.reveal()


@dataclass(frozen=True, slots=True)
class Config:
    """The resolved settings of one run. `home` and `file` are absolute; `file` need not exist. `warnings` are
    sentences for the user, such as a token that others may read."""

    home: Path
    file: Path
    values: Mapping[str, Value]
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Value]:
        return iter(self.values.values())

    def get(self, key: str) -> Value:
        """The value of a dotted key. InvalidArgument, with a suggestion, for one that does not exist."""
        return self.values[find(key).key]

    @property
    def backend_type(self) -> str:
        return self.values["backend.type"].text

    @property
    def data_dir(self) -> Path:
        return Path(self.values["backend.local.data_dir"].text)

    @property
    def engine(self) -> str:
        return self.values["backend.local.engine"].text

    @property
    def endpoint(self) -> str:
        return self.values["backend.cloud.endpoint"].text

    @property
    def token(self) -> Secret:
        return self.values["backend.cloud.token"].raw

    @property
    def organization(self) -> str:
        return self.values["backend.cloud.organization"].text

    @property
    def log_level(self) -> str:
        return self.values["log_level"].text


def load(
    *,
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    file: str | Path | None = None,
) -> Config:
    """Resolves every setting. `flags` maps dotted keys to what the command line gave (None for an absent flag); an
    empty variable counts as unset. `file` is read instead of the home folder's, and must exist. InvalidArgument for any
    value, key or file that is not right, wherever it stands, naming the place; FailedPrecondition for a file that
    cannot be read.
    """
    environ = os.environ if environ is None else environ
    home = _home(environ)
    file = home / FILE_NAME if file is None else _existing(file)
    given = {find(key).key: text for key, text in (flags or {}).items() if text is not None}
    entries = config_file.read(file)
    values = {s.key: _resolve(s, given, environ, entries, home, file) for s in SETTINGS}
    return Config(home, file, values, _warnings(file, entries))


def store(config: Config, key: str, text: str) -> Value:
    """Writes one setting to the configuration file and returns it as the file now has it; `load` may still find a
    variable or flag above it. A relative path is taken from the working directory."""
    setting = find(key)
    check(setting, text, setting.key)
    if setting.form is Form.PATH and not text.startswith("~"):
        text = str(_absolute(text, Path.cwd()))
    config_file.write(config.file, setting, text)
    entry = config_file.read(config.file)[setting.key]
    return _value(setting, entry.text, Source.FILE, f"{config.file}:{entry.line}", config.file.parent)


def reread(config: Config, key: str) -> Config:
    """The configuration with one setting as the file has it by now, unless a flag or a variable stands above it.
    The errors are those of `load`."""
    known = config.get(key)
    if known.source in (Source.FLAG, Source.ENVIRONMENT):
        return config
    value = _resolve(known.setting, {}, {}, config_file.read(config.file), config.home, config.file)
    return replace(config, values={**config.values, known.key: value})


def _resolve(
    setting: Setting,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    entries: Mapping[str, Entry],
    home: Path,
    file: Path,
) -> Value:
    if setting.key in flags:
        if setting.form is Form.MASKED:
            raise InvalidArgument(f"{setting.key} is not taken from the command line, where other users could read it")
        origin = f"--{setting.path[-1].replace('_', '-')}"
        return _value(setting, check(setting, flags[setting.key], origin), Source.FLAG, origin, Path.cwd())
    if setting.variable and environ.get(setting.variable):
        text = check(setting, environ[setting.variable], setting.variable)
        return _value(setting, text, Source.ENVIRONMENT, setting.variable, Path.cwd())
    if setting.key in entries:
        entry = entries[setting.key]
        return _value(setting, entry.text, Source.FILE, f"{file}:{entry.line}", file.parent)
    return _value(setting, setting.default, Source.DEFAULT, "", home)


def _value(setting: Setting, text: str, source: Source, origin: str, base: Path) -> Value:
    if setting.form is Form.PATH:
        if not text:
            raise InvalidArgument(f"{origin or setting.key}: {setting.key} must not be empty")
        text = str(_absolute(text, base))
    return Value(setting, Secret(text), source, origin)


def _absolute(text: str, base: Path) -> Path:
    """The path with `~` expanded, relative to `base`, without `.` and `..` (symbolic links stay)."""
    return Path(os.path.normpath(base / _expand(text)))


def _expand(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise FailedPrecondition(
            f"cannot tell what ~ stands for in {text}: there is no home folder", hint=f"set {HOME_VARIABLE}"
        ) from error


def _existing(file: str | Path) -> Path:
    path = _absolute(str(file), Path.cwd())
    if not path.exists():
        raise NotFound(f"there is no configuration file at {path}")
    return path


def _home(environ: Mapping[str, str]) -> Path:
    text = environ.get(HOME_VARIABLE) or "~/.stigmer"
    return _absolute(text, Path.cwd())


def _warnings(file: Path, entries: Mapping[str, Entry]) -> tuple[str, ...]:
    if "backend.cloud.token" in entries and config_file.is_exposed(file):
        return (f"{file} holds a token and other users can read it: run chmod 600 {file}",)
    return ()
