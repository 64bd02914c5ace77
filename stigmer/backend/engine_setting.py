"""The engine that the configuration asks for, against the one that made the store of a data folder: the two must agree,
or no daemon starts. Starting a daemon, converting, restoring and the doctor all look here for what to do about it.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from stigmer.backend import config as configuration
from stigmer.backend.config import Config, Source
from stigmer.backend.marker import engine_of
from stigmer.backend.settings import BY_KEY, ENGINES, HOME_VARIABLE
from stigmer.errors import FailedPrecondition

SETTING = BY_KEY["backend.local.engine"]

_GIVEN = frozenset({Source.FLAG, Source.ENVIRONMENT})
"""Sources that stand above the file."""


def agreed(config: Config) -> Config:
    """The configuration with the engine that its file names by now: a conversion or a restore may have changed it while
    this program waited for it. FailedPrecondition when the folder holds a store of another engine."""
    config = configuration.reread(config, SETTING.key)
    found = engine_of(config.data_dir)
    if found in ("", config.engine):
        return config
    keep = f"to use it as it is: {to_make_fit(config, found)}"
    convert = f"to convert it: {_command(config)} local convert --to {config.engine}; "
    raise FailedPrecondition(
        f"{config.data_dir} holds a store of the engine {found}, not {config.engine}",
        hint=(convert if found in ENGINES else "") + keep,
        reason="ENGINE_MISMATCH",
    )


def adopt_engine(config: Config, engine: str) -> tuple[bool, str]:
    """Sees to it that the daemon is started with the engine of its data: (whether the configuration was changed, what
    has to be done if it was not)."""
    if config.engine == engine:
        return False, ""
    if not _file_may_say(config, engine):
        return False, to_make_fit(config, engine)
    try:
        configuration.store(config, SETTING.key, engine)
    except FailedPrecondition:
        return False, to_make_fit(config, engine)
    return True, ""


def to_make_fit(config: Config, engine: str) -> str:
    """What the user has to do so that the daemon of the data folder is started with `engine`."""
    if config.get(SETTING.key).source in _GIVEN:
        return f"set {SETTING.variable} to {engine}"
    if not _file_may_say(config, engine):
        return f"set {SETTING.variable} to {engine} for commands on {config.data_dir}"
    return f"stigmer config set {SETTING.key} {engine}"


def _file_may_say(config: Config, engine: str) -> bool:
    """The file speaks for its own data folder in the first place: it stays as it is when that one needs it so."""
    if config.get(SETTING.key).source in _GIVEN:
        return False
    return config.get("backend.local.data_dir").source not in _GIVEN or engine_of(_own_folder(config)) in ("", engine)


def _own_folder(config: Config) -> Path:
    """The data folder of the configuration file, whatever flags and variables say."""
    file = config.file if config.file.exists() else None
    return configuration.load(environ={HOME_VARIABLE: str(config.home)}, file=file).data_dir


def _command(config: Config) -> str:
    """How a command is called that is to work on the same data folder."""
    if config.get("backend.local.data_dir").source is Source.FLAG:
        return f"stigmer --data-dir {shlex.quote(str(config.data_dir))}"
    return "stigmer"
