"""Export and import over a real server on every engine: what goes out comes back the same. Assumes apply, rendering and
the reading of text tested elsewhere."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from manifests import IMPORT_LIMITS, render
from reconciler import ResourceKey
from stigmer.backend import GrpcBackend
from stigmer.contract import default_contract
from stigmer.errors import FailedPrecondition
from stigmer.server.records import decode, slug_key
from stigmer.store.base import Store, Transaction
from stigmer.store.engines import ENGINES
from stigmer.sync import Outcome, Request, Status, Workspace, apply, delete
from stigmer.sync.export import Exported, Form, export
from stigmer.sync.export_files import FolderSink
from stigmer.sync.export_read import ALL_ORGS, Selection
from stigmer.sync.export_stream import SEPARATORS, StreamSink
from stigmer.sync.folder import Folder
from stigmer.sync.spool import Spool

from .estates import OWN, Estate, estates
from .harness import RunningServer

BOTH: tuple[Form, ...] = ("yaml", "json")
RELAXED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


class Side:
    """One backend, exported from and imported into as the commands do."""

    def __init__(self, backend: GrpcBackend, store: Store) -> None:
        self.backend = backend
        self.store = store

    def apply(self, text: bytes = b"", *paths: str) -> Outcome:
        workspace = self._workspace(text)
        request = Request(paths or ("-",), use_cache=False, limits=IMPORT_LIMITS)
        outcome = apply(request, workspace, confirm=lambda _: True, emit=lambda _: None)
        assert outcome.status is Status.OK, [each.render() for each in outcome.diagnostics]
        return outcome

    def export(self, form: Form = "yaml", **selected: Any) -> tuple[bytes, Exported]:
        pieces: list[bytes] = []
        selection = Selection(**{"kinds": tuple(default_contract().kinds.values()), "org": ALL_ORGS} | selected)
        with Spool(in_memory=1_000) as spool:
            sink = StreamSink(spool, SEPARATORS[form], pieces.append)
            done = export(selection, self.backend, OWN, sink, form=form, emit=lambda _: None)
        return b"".join(pieces), done

    def save(self, path: Path) -> FolderSink:
        kinds = default_contract().kinds
        selection = Selection(tuple(kinds.values()), org=ALL_ORGS)
        with Folder(path) as folder:
            sink = FolderSink(folder, selection, kinds, OWN, prune=True)
            export(selection, self.backend, OWN, sink, emit=lambda _: None)
        assert sink.foreign == []
        return sink

    def wipe(self) -> None:
        """Deletes everything, as a user would: what is protected is unprotected first."""
        keys = []
        for kind in default_contract().kinds.values():
            for found in self.backend.list(kind, org=ALL_ORGS):
                if found.metadata.protect:
                    found.metadata.protect = False
                    self.backend.update(kind, found, update_mask=["metadata.protect"])
                if not found.metadata.parent:
                    keys.append(ResourceKey(kind.name, found.metadata.org, found.metadata.slug))
        request = Request(())
        done = delete(request, self._workspace(b""), keys=keys, confirm=lambda _: True, emit=lambda _: None)
        assert done.status is Status.OK, done.diagnostics

    def _workspace(self, stdin: bytes) -> Workspace:
        return Workspace(
            backend=self.backend,
            contract=self.backend.contract,
            default_org=OWN,
            backend_id="test",
            cache_dir=None,
            stdin=io.BytesIO(stdin),
        )


@pytest.fixture(scope="module", params=ENGINES)
def side(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    server = RunningServer(default_contract(), request.param, tmp_path_factory.mktemp("data"))
    with GrpcBackend(server.address, default_contract()) as backend:
        yield Side(backend, server.store)
    server.stop()


def check_round_trip(side: Side, documents: Estate) -> None:
    side.wipe()
    side.apply(render(documents).encode())
    first, done = side.export()
    assert done.resources == len(documents)
    as_json, _ = side.export("json")
    for text in (first, as_json):
        before = side.backend.server_info().revision
        again = side.apply(text)
        assert again.plan is not None
        assert again.plan.is_empty, [str(change) for change in again.plan.changes]
        assert side.backend.server_info().revision == before
        side.wipe()
        side.apply(text)
        assert side.export()[0] == first
        assert side.export("json")[0] == as_json


@settings(max_examples=6, deadline=None, suppress_health_check=RELAXED, phases=[Phase.explicit, Phase.generate])
@given(documents=estates())
def test_what_is_exported_wiped_and_imported_is_exported_as_the_same_bytes(side: Side, documents: Estate) -> None:
    check_round_trip(side, documents)


@settings(max_examples=3, deadline=None, suppress_health_check=RELAXED, phases=[Phase.explicit, Phase.generate])
@given(documents=estates())
def test_what_is_saved_in_a_folder_comes_back_the_same(side: Side, documents: Estate, tmp_path: Path) -> None:
    side.wipe()
    side.apply(render(documents).encode())
    first, _ = side.export()
    sink = side.save(tmp_path)
    assert sink.written + sink.unchanged == len(documents)
    side.wipe()
    side.apply(b"", str(tmp_path))
    assert side.export()[0] == first
    again = side.save(tmp_path)
    assert (again.written, again.unchanged, again.removed) == (0, len(documents), 0)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=RELAXED)
@given(documents=estates())
def test_very_many_estates_come_back_the_same(side: Side, documents: Estate) -> None:
    check_round_trip(side, documents)


@pytest.mark.parametrize("value", ["hunter2", "••••"], ids=["plain", "masked"])
def test_a_resource_that_holds_a_secret_is_named_and_nothing_is_exported(side: Side, value: str) -> None:
    side.wipe()
    kind = default_contract().kinds["Environment"]
    data = {"TOKEN": {"value": value}, "REGION": {"value": "eu"}}
    side.backend.create(kind, kind.message_class(metadata={"name": "leaky"}, spec={"data": data}))

    def tamper(tx: Transaction) -> None:
        (record,) = tx.find_many([slug_key(ResourceKey("Environment", OWN, "leaky"))])
        assert record is not None
        state = decode(record).state
        message = kind.message_class.FromString(state.content)
        message.spec.data["TOKEN"].is_secret = True  # type: ignore[attr-defined]
        state.content = message.SerializeToString()
        tx.save_many([dataclasses.replace(record, body=state.SerializeToString())])

    side.store.write(tamper)
    with pytest.raises(FailedPrecondition, match="secret values cannot be exported") as caught:
        side.export()
    assert [(each.key, each.field) for each in caught.value.violations] == [
        ("local/Environment/leaky", "spec.data.TOKEN.value")
    ]
    assert value not in str(caught.value.violations)
    with pytest.raises(FailedPrecondition):
        side.export(kinds=(), keys=(ResourceKey("Environment", OWN, "leaky"),))
    assert side.export(kinds=(default_contract().kinds["Agent"],))[0] == b""
