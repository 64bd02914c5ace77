"""How the engine of a data folder is changed (`stigmer local convert`), and the configuration with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from stigmer.backend.config import Config
from stigmer.backend.engine_setting import adopt_engine
from stigmer.backend.maintenance import GO, Maintenance, Say, maintenance
from stigmer.backend.standstill import no_daemon
from stigmer.errors import StigmerError


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a conversion. `engine` is what the store is of now, empty when there is none; `source` what it was
    of. Unless it was `converted`, there was nothing to do or, when `declined`, no agreement, and the counts are 0.
    `kept_in` is the folder of the old store; `engine_set` says that the configuration was changed to fit, and
    `engine_advice` is what has to be done to it otherwise."""

    converted: bool
    data_dir: str
    engine: str
    source: str
    declined: bool = False
    store_id: str = ""
    revision: int = 0
    records: int = 0
    pairs: int = 0
    commits: int = 0
    bytes_before: int = 0
    bytes: int = 0
    kept_in: str = ""
    seconds: float = 0.0
    engine_set: bool = False
    engine_advice: str = ""


@dataclass(frozen=True, slots=True)
class Convertible:
    """The store that is to be converted. `bytes` is the size of its data file."""

    engine: str
    store_id: str
    revision: int
    bytes: int


Agree = Callable[[Convertible], bool]
"""Whether the store is to be converted."""


def convert(config: Config, engine: str, *, agree: Agree, say: Say) -> Conversion:
    """Makes the store of the configured data folder one of `engine`, once `agree` has said so, and sees to it that the
    configuration fits. Stops the daemon. The errors are those of `stigmer.server.maintenance.convert`; Unavailable when
    the daemon does not stop."""
    with maintenance(config, "convert", "--to", engine, say=say) as job:
        ready = next((event.fields for event in job.events() if event.name == "ready"), None)
        if ready is None:
            found = str(job.result()["engine"])
            set_, advice = adopt_engine(config, engine)
            return Conversion(False, str(config.data_dir), found, found, engine_set=set_, engine_advice=advice)
        current = Convertible(**ready["current"])
        if not agree(current):
            job.answer("no")
            return Conversion(False, str(config.data_dir), current.engine, current.engine, declined=True)
        with no_daemon(config, say):
            job.answer(GO)
            fields = _outcome(job)
            set_, advice = adopt_engine(config, engine)  # before others start the daemon that they wait for
    return Conversion(
        True,
        str(config.data_dir),
        engine,
        current.engine,
        store_id=current.store_id,
        bytes_before=current.bytes,
        engine_set=set_,
        engine_advice=advice,
        **{name: fields[name] for name in ("revision", "records", "pairs", "commits", "bytes", "kept_in", "seconds")},
    )


def _outcome(job: Maintenance) -> dict[str, Any]:
    """Ctrl-C undoes what has been begun, unless the new store is in place already."""
    try:
        return job.result()
    except KeyboardInterrupt:
        job.interrupt()
        with suppress(StigmerError):
            return job.result()
        raise
