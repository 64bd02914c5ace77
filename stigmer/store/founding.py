"""How a durable store comes to be, and who it is from then on: what the engines share of making and opening."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from stigmer.errors import DataLoss, FailedPrecondition, Unavailable
from stigmer.store.base import FORMAT_VERSION, Origin
from stigmer.store.integrity import LAST_BACKUP, Space, seal, unseal
from stigmer.store.marker import Marker, check_format, read_marker, sync_folder, write_marker

STORE_KEY = b"store"
"""Under this key the identity is sealed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the store is, kept inside the data; `store_id` is in the marker too."""

    store_id: str
    epoch: str
    format: int = FORMAT_VERSION


def seal_identity(identity: Identity) -> bytes:
    return seal(Space.STATE, STORE_KEY, json.dumps(asdict(identity)).encode())


def unseal_identity(sealed: bytes, data_file: Path, store_id: str) -> Identity:
    """Who the data say they are. DataLoss when that is damaged or is not `store_id`, the name on the marker;
    FailedPrecondition for a newer format."""
    identity = Identity(**json.loads(unseal(Space.STATE, STORE_KEY, sealed, lambda: "the store's identity")))
    check_format(identity.format, str(data_file))
    if identity.store_id != store_id:
        raise DataLoss(
            f"{data_file} is the store {identity.store_id}, but {data_file.parent} is marked as {store_id}",
            hint=f"put back the files that belong together, or {LAST_BACKUP}",
            reason="STORE_MISMATCH",
        )
    return identity


def found_store(
    data_dir: Path,
    engine: str,
    names: Sequence[str],
    unfinished: Marker | None,
    origin: Origin | None,
    write_first: Callable[[Identity], None],
) -> Marker:
    """Make a new store of the engine's files `names`, the data file first. `write_first` makes them, durably. Every
    step is durable before the next, and a crash between them starts over."""
    if unfinished is None and (data_dir / names[0]).exists():
        raise DataLoss(
            f"{data_dir} holds {names[0]} but no marker that says which store it is",
            hint=f"{LAST_BACKUP}; or choose another directory",
            reason="MARKER_MISSING",
        )
    store_id = origin.store_id if origin else unfinished.store_id if unfinished else secrets.token_hex(16)
    write_marker(data_dir, Marker(store_id, engine, creating=True))
    for name in names:
        (data_dir / name).unlink(missing_ok=True)
    write_first(Identity(store_id, origin.epoch if origin else secrets.token_hex(8)))
    sync_folder(data_dir)
    ready = Marker(store_id, engine)
    write_marker(data_dir, ready)
    return ready


def check_present(data_file: Path, store_id: str) -> None:
    """DataLoss when a folder has lost the data of the store that its marker names."""
    if not data_file.exists():
        raise DataLoss(
            f"{data_file} is missing, but {data_file.parent} is marked as the store {store_id}",
            hint=f"{LAST_BACKUP}; or remove the directory to begin with an empty store",
            reason="DATA_FILE_MISSING",
        )


def marked_store(data_dir: Path, engine: str, data_name: str) -> str:
    """The id of the store that a folder holds. FailedPrecondition when it holds none of this engine, Unavailable when
    it has not been made completely, DataLoss when its data are gone."""
    marker = read_marker(data_dir, engine)
    if marker is None:
        raise FailedPrecondition(f"{data_dir} holds no store", reason="NO_STORE")
    if marker.creating:
        raise Unavailable(
            f"the store in {data_dir} has not been made completely", hint="start the backend", reason="STORE_UNFINISHED"
        )
    check_present(data_dir / data_name, marker.store_id)
    return marker.store_id


def check_new(data_dir: Path, marker: Marker, origin: Origin | None) -> None:
    """FailedPrecondition when a copy is to be made where a store is already."""
    if origin is not None:
        raise FailedPrecondition(
            f"{data_dir} holds the store {marker.store_id}; a copy needs a folder of its own", reason="STORE_EXISTS"
        )
