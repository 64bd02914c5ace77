"""Texts and index pairs as bytes, for the values that durable engines store."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from struct import Struct

from stigmer.store.limits import NUL

_TEXTS = Struct("<II")  # how many texts, how many bytes together


@lru_cache(maxsize=256)
def lengths(count: int) -> Struct:
    """The encoding of so many lengths."""
    return Struct(f"<{count}I")


def pack_texts(texts: list[str]) -> bytes:
    """Several texts as one encoded run and their lengths in characters: one call to the codec instead of many."""
    run = "".join(texts).encode()
    return _TEXTS.pack(len(texts), len(run)) + lengths(len(texts)).pack(*map(len, texts)) + run


def unpack_texts(data: bytes, start: int) -> tuple[list[str], int]:
    """The texts that begin at `start`, and where they end."""
    count, size = _TEXTS.unpack_from(data, start)
    layout = lengths(count)
    start += _TEXTS.size
    run_start = start + layout.size
    run = data[run_start : run_start + size].decode()
    texts, position = [], 0
    for length in layout.unpack_from(data, start):
        texts.append(run[position : position + length])
        position += length
    return texts, run_start + size


def encode_pairs(pairs: tuple[tuple[str, str], ...]) -> bytes:
    """The index pairs of a record, which carry no NUL."""
    return NUL.join(chain.from_iterable(pairs)).encode()


def decode_pairs(data: bytes) -> tuple[tuple[str, str], ...]:
    texts = iter(data.decode().split(NUL) if data else ())
    return tuple(zip(texts, texts, strict=True))
