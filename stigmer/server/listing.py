"""ListXs: a page of a kind, newest first. Pages are found by the id of the last record, never by an offset, so that
writes in between neither skip nor repeat a resource."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from stigmer.contract import Kind, Method
from stigmer.contract.slug import is_slug
from stigmer.errors import Internal, Violation
from stigmer.server.batch import Services
from stigmer.server.filter import parse_filter
from stigmer.server.records import LABEL, content_of, decode
from stigmer.server.selector import parse_selector
from stigmer.server.steps.references import find_missing
from stigmer.server.steps.respond import render
from stigmer.server.steps.validate import refusal
from stigmer.store.base import Query, ReadTransaction

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000

MAX_PAGE_BYTES = 3 << 20
"""A page ends early rather than outgrow the 4 MiB that gRPC clients receive by default (one resource always fits)."""

MAX_SCANNED = 20_000
"""How many records one request examines: a page of a selective filter may end early, with a token to go on."""

ALL_ORGS = "-"

_SCAN_BATCH = 500
_DIGEST_BYTES = 8
_CHECKSUM_BYTES = 4

Matches = Callable[[Any, Any], bool]
"""(content message, stored resource) -> whether it belongs to the page."""


def list_page(services: Services, method: Method, request: Any, org: str) -> Message:
    """The page of `request`, as the response message."""
    kind = services.contract.kinds[method.kind]
    if org != ALL_ORGS and not is_slug(org):
        raise refusal("the request", [Violation("org", f'"{org}" is not an org')])
    selector = parse_selector(request.label_selector)
    matches_filter = parse_filter(request.filter)
    digest = _query_digest(kind, org, request.label_selector, request.filter)
    size = min(request.page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    after = _read_token(request.page_token, digest)
    equal = selector.equality

    def matches(content: Any, stored: Any) -> bool:
        return selector.matches(content.metadata.labels) and matches_filter(content, stored)

    query = Query(
        kind=kind.name,
        org=None if org == ALL_ORGS else org,
        index=(LABEL, f"{equal[0]}={equal[1]}") if equal else None,
        after=after,
        limit=size if not request.label_selector and not request.filter else _SCAN_BATCH,
    )
    response: Any = method.output_class()
    items = getattr(response, _items_field(method, kind))

    def read(tx: ReadTransaction) -> None:
        last = _fill(services, tx, kind, query, size, matches, items)
        response.revision = tx.revision
        response.next_page_token = _token(last, digest) if last else ""

    services.store.read(read)
    page: Message = response
    return page


def _fill(
    services: Services, tx: ReadTransaction, kind: Kind, query: Query, size: int, matches: Matches, items: Any
) -> str:
    """Add the page's resources to `items`; returns the id after which the next page begins, "" when this is the
    last."""
    scanned, total, after = 0, 0, query.after
    while True:
        records = tx.list(Query(query.kind, query.org, query.index, after, query.limit))
        for record in records:
            stored = decode(record)
            content = content_of(kind, stored)
            if matches(content, stored):
                if items and total + len(record.body) > MAX_PAGE_BYTES:
                    return after
                missing = find_missing(services.contract, tx, kind, stored.org, content)
                items.append(render(kind, stored, missing))
                total += len(record.body)
            after = record.id
            if len(items) == size:
                return after if _has_more(tx, query, after) else ""
        scanned += len(records)
        if len(records) < query.limit:
            return ""
        if scanned >= MAX_SCANNED:
            return after


def _has_more(tx: ReadTransaction, query: Query, after: str) -> bool:
    """Whether a record follows: without it a full last page would promise another one."""
    return bool(tx.list(Query(query.kind, query.org, query.index, after, 1)))


def _items_field(method: Method, kind: Kind) -> str:
    for field in method.output_class.DESCRIPTOR.fields:
        if field.is_repeated and field.message_type is kind.descriptor:
            return str(field.name)
    raise Internal(f"{method.name} has no field for {kind.plural}")


def _query_digest(kind: Kind, org: str, selector: str, filter_: str) -> bytes:
    """What a page token is bound to; the page size may change between pages."""
    text = f"{kind.name}\0{org}\0{selector}\0{filter_}"
    return hashlib.sha256(text.encode()).digest()[:_DIGEST_BYTES]


def _token(after: str, digest: bytes) -> str:
    payload = digest + after.encode()
    return base64.urlsafe_b64encode(payload + _checksum(payload)).decode()


def _read_token(token: str, digest: bytes) -> str:
    """The id that a token carries. InvalidArgument when it was not made for this query."""
    if not token:
        return ""
    try:
        data = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if len(payload) <= _DIGEST_BYTES or checksum != _checksum(payload):
        raise refusal("the request", [Violation("page_token", "is not a token of this server")])
    if payload[:_DIGEST_BYTES] != digest:
        raise refusal("the request", [Violation("page_token", "belongs to another query; start with the first page")])
    return payload[_DIGEST_BYTES:].decode()


def _checksum(payload: bytes) -> bytes:
    return zlib.crc32(payload).to_bytes(_CHECKSUM_BYTES, "big")
