"""Backends around a backend. Each changes one thing and forwards the rest, so that they compose:
`Recording(DryRun(backend))`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final

from reconciler.ports import ApplyOptions, ApplyResult, Backend, BackendEvent, DigestAnswer, ResourceChange
from reconciler.resource import ResourceKey, Snapshot

Answer = TypeVar("Answer")


class _Forwarding:
    """Hands every call to the inner backend through `_call`, which is the one place to override for all methods."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    def _call(self, method: Callable[..., Answer], *arguments: Any) -> Answer:
        return method(*arguments)

    def digests(self, org: str, tree: bytes, since: int, epoch: str) -> DigestAnswer:
        return self._call(self.inner.digests, org, tree, since, epoch)

    def get_many(self, keys: Collection[ResourceKey]) -> Snapshot:
        return self._call(self.inner.get_many, keys)

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        return self._call(self.inner.apply_changes, changes, options)

    def outcome_of(self, request_id: str) -> ApplyResult | None:
        return self._call(self.inner.outcome_of, request_id)

    def watch(self, since: int) -> Iterator[BackendEvent]:
        return self._call(self.inner.watch, since)


@final
class DryRun(_Forwarding):
    """Nothing is ever written: every apply is checked only."""

    def apply_changes(self, changes: Sequence[ResourceChange], options: ApplyOptions) -> ApplyResult:
        answer = super().apply_changes(changes, replace(options, validate_only=True))
        return replace(answer, committed=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a backend's method, as it was made."""

    method: str
    arguments: tuple[Any, ...]


@final
class Recording(_Forwarding):
    """Writes down every call, in order, before it is made."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.calls: list[Call] = []

    def _call(self, method: Callable[..., Answer], *arguments: Any) -> Answer:
        self.calls.append(Call(method.__name__, arguments))
        return method(*arguments)

    def methods(self) -> list[str]:
        """The names of the methods called so far."""
        return [call.method for call in self.calls]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one call: `error` is raised instead of making it or, with `reply_lost`, after it was
    made and had its effect."""

    error: BaseException
    reply_lost: bool = False


@final
class Faulty(_Forwarding):
    """Fails on purpose: the nth call of a method meets the nth entry of its script, where None lets it pass; calls
    beyond the script pass too."""

    def __init__(self, inner: Backend, script: Mapping[str, Sequence[Fault | None]]) -> None:
        super().__init__(inner)
        self._script = {method: iter(faults) for method, faults in script.items()}

    def _call(self, method: Callable[..., Answer], *arguments: Any) -> Answer:
        fault = next(self._script.get(method.__name__, iter(())), None)
        if fault is not None and not fault.reply_lost:
            raise fault.error
        answer = method(*arguments)
        if fault is not None:
            raise fault.error
        return answer
