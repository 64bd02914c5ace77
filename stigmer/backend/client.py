"""The client of one backend: the reconciler's port over the generic RPCs, and typed operations for commands.

It is synchronous and safe for threads. Every call has a deadline; every call that changes something has a request id
and is sent again, under the same id, after failures that may pass.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, final

from reconciler.digests import BUCKETS
from reconciler.ports import ApplyOptions, ApplyResult, BackendEvent, DigestAnswer, ResourceChange
from reconciler.resource import ResourceKey, Snapshot
from stigmer.backend import convert, retry, upload
from stigmer.backend.artifacts import Artifacts
from stigmer.backend.calls import Calls
from stigmer.backend.convert import Page
from stigmer.backend.link import Dial, Endpoint, Link
from stigmer.backend.retry import Patience
from stigmer.errors import InvalidArgument, NotFound, StigmerError

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from stigmer.contract import Contract, Kind, Method

UNARY = Patience(attempt=10.0, total=30.0)
"""For calls about one resource or one page."""

READ = Patience(attempt=60.0, total=120.0)
"""For streams that list or read many resources."""

APPLY_BASE_S = 30.0
APPLY_PER_CHANGE_S = 0.005
"""What a try of an apply may take: a hundred times what a change costs on a quiet machine."""

PAGE_SIZE = 500
"""Resources asked for at once by `list`."""

MAX_KEYS = 100_000
"""Keys that one `get_many` may ask for: they are answered from one revision."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Who answers. `revision` is the newest commit, `default_org` what an empty org stands for, `active_requests` what
    is under way beside the question itself."""

    version: str
    contract_hash: str
    store_id: str
    epoch: str
    revision: int
    default_org: str
    engine: str
    data_dir: str
    pid: int
    active_requests: int
    actor: str


@final
class GrpcBackend:
    """Implements `reconciler.ports.Backend`. `org` is "" everywhere for the backend's own org.

    `address` is a fixed address (`unix:/path`, `127.0.0.1:port`) or a function that finds it, which is called again
    after a lost connection. `timeout` caps every call, in seconds, retries included. All methods raise leaves of
    `stigmer.errors`. Close it, or use it as a context manager.
    """

    def __init__(self, address: str | Endpoint | Dial, contract: Contract, *, timeout: float | None = None) -> None:
        self.contract = contract
        self._link = Link(_dial(address))
        self._calls = Calls(self._link, contract, timeout)
        self.artifacts = Artifacts(self._calls, contract)
        self._epoch = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection and every call on it. Idempotent."""
        self._link.close()

    def connect(self) -> None:
        """Finds the server now rather than with the first call, so that its absence is known before work is done."""
        with self._link.lease():
            pass

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """`timeout` is for callers that only want to know whether somebody is there, in seconds."""
        info = self._unary("GetServerInfo", {}, UNARY.capped(timeout))
        return ServerInfo(**{name: getattr(info, name) for name in ServerInfo.__slots__})

    # The reconciler's port.

    def digests(self, org: str, tree: bytes, since: int, epoch: str) -> DigestAnswer:
        request = {"org": org, "buckets": tree, "since_revision": since, "epoch": epoch}
        answer = convert.digest_answer(self._collect("ListDigests", request), all_buckets=range(0 if tree else BUCKETS))
        self._epoch = answer.epoch
        return answer

    def get_many(self, keys: Collection[ResourceKey]) -> Snapshot:
        return convert.snapshot(self.contract, self._resources(keys))

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        """Failures of single changes are told in the results, with errors of `stigmer.errors`."""
        attempt = APPLY_BASE_S + APPLY_PER_CHANGE_S * len(changes)
        response = self._calls.upload(
            "ApplyChanges",
            lambda: upload.messages(self.contract, changes, options),
            Patience(attempt, total=2 * attempt),
        )
        return convert.apply_result(response)

    def outcome_of(self, request_id: str) -> ApplyResult | None:
        try:
            answer = self._unary("GetApplyOutcome", {"request_id": request_id}, UNARY)
        except NotFound:
            return None
        return convert.apply_result(answer.response)

    def watch(
        self, since: int, *, epoch: str | None = None, kinds: Iterable[str] = (), org: str = ""
    ) -> Iterator[BackendEvent]:
        """Lost connections are mended and the stream goes on where it was; OutOfRange when the server's log no longer
        reaches back that far. `epoch` None stands for the epoch of the last digests."""
        kinds = tuple(kinds)
        known = self._epoch if epoch is None else epoch
        return self._watch(since, {"epoch": known, "kinds": kinds, "org": org})

    # Typed operations.

    def get(self, kind: Kind | str, slug: str = "", org: str = "", *, resource_id: str = "") -> Message:
        """One resource by slug and org, or by id. NotFound when there is none."""
        return self._typed(kind, "get", {"id": resource_id, "slug": slug, "org": org})

    def list(
        self,
        kind: Kind | str,
        *,
        org: str = "",
        label_selector: str = "",
        filter: str = "",  # noqa: A002 -- the request's own word
        page_size: int = PAGE_SIZE,
    ) -> Iterator[Message]:
        """All that match, newest first, page by page as they are consumed. `org` "-" stands for all orgs."""
        pages = self.pages(kind, org=org, label_selector=label_selector, filter=filter, page_size=page_size)
        return (resource for page in pages for resource in page.resources)

    def pages(
        self,
        kind: Kind | str,
        *,
        org: str = "",
        label_selector: str = "",
        filter: str = "",  # noqa: A002 -- likewise
        page_size: int = PAGE_SIZE,
    ) -> Iterator[Page]:
        """What `list` lists, with the revision that each page is of."""
        method = self._method(kind, "list")
        request = {"org": org, "label_selector": label_selector, "filter": filter, "page_size": page_size}
        field = next(f.name for f in method.output_class.DESCRIPTOR.fields if f.message_type is not None)
        return self._pages(method.name, field, request)

    def read(self, keys: Collection[ResourceKey]) -> Page:
        """The whole resources that exist among `keys`, in their order, all of one revision."""
        return convert.page(self.contract, self._resources(keys))

    def create(
        self, kind: Kind | str, resource: Message, *, org: str = "", validate_only: bool = False, request_id: str = ""
    ) -> Message:
        """The resource as created. AlreadyExists when its slug is taken."""
        request = {"resource": resource, "org": org, "validate_only": validate_only}
        return self._typed(kind, "create", request, request_id)

    def update(
        self,
        kind: Kind | str,
        resource: Message,
        *,
        update_mask: Sequence[str] = (),
        validate_only: bool = False,
        request_id: str = "",
    ) -> Message:
        """The resource as it is now. With `metadata.etag` everything is replaced, and Aborted says that the etag is
        old; without one, only the paths of `update_mask`, such as "spec.description", are."""
        request = {"resource": resource, "validate_only": validate_only}
        if update_mask:
            request["update_mask"] = {"paths": list(update_mask)}
        return self._typed(kind, "update", request, request_id)

    def delete(
        self,
        kind: Kind | str,
        slug: str = "",
        org: str = "",
        *,
        resource_id: str = "",
        etag: str = "",
        allow_missing: bool = False,
        validate_only: bool = False,
        request_id: str = "",
    ) -> Message:
        """The resource as it was, or with `allow_missing` perhaps an empty one."""
        request: dict[str, Any] = {"id": resource_id, "slug": slug, "org": org, "etag": etag}
        request |= {"allow_missing": allow_missing, "validate_only": validate_only}
        return self._typed(kind, "delete", request, request_id)

    def _typed(self, kind: Kind | str, verb: str, request: dict[str, Any], request_id: str | None = None) -> Message:
        method = self._method(kind, verb)
        if request_id is not None:
            request["request_id"] = request_id or new_request_id()
        answer: Message = self._unary(method.name, request, UNARY)
        return answer

    def _method(self, kind: Kind | str, verb: str) -> Method:
        """The RPC of a kind, which may be given by any word the command line knows."""
        found = self.contract.kinds.find(kind) if isinstance(kind, str) else kind
        return found.methods[verb]

    def _pages(self, name: str, field: str, request: dict[str, Any]) -> Iterator[Page]:
        token = ""
        while True:
            page = self._unary(name, request | {"page_token": token}, UNARY)
            yield Page(page.revision, getattr(page, field))
            token = page.next_page_token
            if not token:
                return

    def _resources(self, keys: Collection[ResourceKey]) -> Sequence[Any]:
        if len(keys) > MAX_KEYS:
            raise InvalidArgument(f"at most {MAX_KEYS:,} resources are read at one revision, not {len(keys):,}")
        request = {"keys": [{"kind": kind, "org": org, "slug": slug} for kind, org, slug in keys]}
        return self._collect("GetResources", request)

    def _watch(self, since: int, fields: dict[str, Any]) -> Iterator[BackendEvent]:
        cursor = convert.WatchCursor(since)
        failures = 0
        while True:
            request = self.contract.methods["Watch"].input_class(since_revision=cursor.since, **fields)
            try:
                for message in self._calls.follow("Watch", request):
                    failures = 0
                    yield from cursor.fresh(message)
            except StigmerError as error:
                failures += 1
                if failures == retry.MAX_TRIES or not retry.may_pass(error):
                    raise
            cursor.rewind()
            time.sleep(retry.pause(failures))

    def _unary(self, name: str, fields: dict[str, Any], patience: Patience) -> Any:
        return self._calls.unary(name, self.contract.methods[name].input_class(**fields), patience)

    def _collect(self, name: str, fields: dict[str, Any]) -> Sequence[Any]:
        return self._calls.collect(name, self.contract.methods[name].input_class(**fields), READ)


def new_request_id() -> str:
    import uuid

    return str(uuid.uuid4())


def _dial(address: str | Endpoint | Dial) -> Dial:
    if callable(address):
        return address
    endpoint = Endpoint(address) if isinstance(address, str) else address
    return lambda: endpoint
