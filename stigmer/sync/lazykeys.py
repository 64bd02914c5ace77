"""Keys that are counted at once and listed only if somebody asks: most runs print how many are unchanged, not which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from reconciler import ResourceKey


class LazyKeys(Sequence[ResourceKey]):
    """Keys whose number is known and which are listed only when somebody looks at them."""

    def __init__(self, length: int, load: Callable[[], Sequence[ResourceKey]]) -> None:
        self._length = length
        self._load: Callable[[], Sequence[ResourceKey]] | None = load
        self._keys: Sequence[ResourceKey] = ()

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> ResourceKey: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ResourceKey]: ...

    def __getitem__(self, index: int | slice) -> ResourceKey | Sequence[ResourceKey]:
        if self._load is not None:
            self._keys, self._load = self._load(), None
        return self._keys[index]
