"""How a method that speaks to an engine's library comes to raise leaves of `stigmer.errors` only. Each engine makes one
guard of its library's errors, in its `*_errors` module."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Concatenate, Generic, ParamSpec, Protocol, TypeVar, final

from stigmer.errors import InvalidArgument, StigmerError
from stigmer.store.integrity import damaged_store

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound=Exception)


class Guarded(Protocol):
    """An object whose methods speak to the library. `fault` keeps its first error, because a caller may swallow it."""

    path: Path
    fault: Exception | None


Self_ = TypeVar("Self_", bound=Guarded)


@final
class Guard(Generic[E]):
    """A decorator of methods. `library` is the class of the library's errors, `typed` the leaf that one of them means
    in a data directory."""

    def __init__(self, library: type[E], typed: Callable[[E, Path], StigmerError]) -> None:
        self._library = library
        self._typed = typed

    def __call__(self, method: Callable[Concatenate[Self_, P], R]) -> Callable[Concatenate[Self_, P], R]:
        library, typed = self._library, self._typed

        @wraps(method)
        def call(self: Self_, /, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return method(self, *args, **kwargs)
            except library as error:
                self.fault = self.fault or error
                raise typed(error, self.path) from error
            except UnicodeEncodeError as error:
                raise InvalidArgument(f"a text cannot be stored: {error}") from error
            except (struct.error, UnicodeDecodeError) as error:
                raise damaged_store(self.path, error) from error

        return call

    def stream(
        self, method: Callable[Concatenate[Self_, P], Iterator[R]]
    ) -> Callable[Concatenate[Self_, P], Iterator[R]]:
        """The same for a method that yields."""
        guard = self

        @wraps(method)
        def stream(self: Self_, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
            items = method(self, *args, **kwargs)
            following = guard(lambda _: next(items, None))
            while (item := following(self)) is not None:
                yield item

        return stream
