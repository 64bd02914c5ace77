"""Damaged files are never served as if they were whole: they are refused, reported, or read exactly as before."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from stigmer.store.base import Event, Record, Store, Transaction
from stigmer.store.engines import open_store
from stigmer.store.files import ENGINE_FILES

from .store_probe import INDEX, SPACE, Look, engine_of, look_at

PAGE = 4096
META_BYTES = 160
TRANSACTION_NUMBER = 144  # its place in a meta page
BATCH = 50


class Chance(random.Random):
    """Random numbers that remember the `number` they came from."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


Damage = Callable[[bytearray, Chance], None]


class Sound(NamedTuple):
    """A sound store to be damaged: its folder, and which of its files."""

    folder: Path
    file: str


@pytest.fixture(scope="module", params=["lmdb", "sqlite", "sqlite's log"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sound:
    """A closed store, or what a killed process leaves of one that has a log: several generations of pages, small and
    large values, and free pages."""
    folder = tmp_path_factory.mktemp("sound") / "data"
    engine = request.param.partition("'")[0]
    store = open_store(folder, engine)
    fill_up(store)
    if request.param == engine:
        store.close()
        return Sound(folder, ENGINE_FILES[engine].data)
    killed = folder.with_name("killed")
    shutil.copytree(folder, killed, ignore=shutil.ignore_patterns("*-shm"))
    store.close()
    return Sound(killed, "data.sqlite-wal")


def fill_up(store: Store) -> None:
    chance = random.Random(1)
    for turn in range(12):
        rows = [made(turn * 20 + number, chance) for number in range(12)]
        store.write(lambda tx, rows=rows, turn=turn: fill(tx, rows, turn))
    store.write(lambda tx: tx.delete_many([made(number, chance).key for number in range(0, 200, 3)]))


def made(number: int, chance: random.Random) -> Record:
    labels = tuple((INDEX, f"v{number % size}") for size in (2, 7))
    body = chance.randbytes(chance.choice((30, 700, 3_000, 9_000)))
    return Record("local", "Agent", f"agent-{number:05d}", f"slug-{number}", body, b"head", labels)


def fill(tx: Transaction, rows: list[Record], turn: int) -> None:
    tx.save_many(rows)
    tx.kv_put(SPACE, b"key-%d" % turn, b"value-%d" % turn)
    tx.append([Event(row.org, row.kind, row.id, row.slug, "created") for row in rows], b"%d" % turn)


class Workshop:
    """Makes damaged copies of a sound store and has them looked at, a batch at a time."""

    def __init__(self, sound: Sound, folder: Path) -> None:
        self._sound = sound
        self._folder = folder
        shutil.copytree(sound.folder, folder / "looked at")
        (self.expected,) = look_at([folder / "looked at"])
        assert self.expected.content
        assert not self.expected.problems

    def copy(self, damage: Damage, number: int) -> Path:
        folder = self._folder / str(number)
        shutil.copytree(self._sound.folder, folder)
        content = bytearray((folder / self._sound.file).read_bytes())
        damage(content, Chance(number))
        (folder / self._sound.file).write_bytes(content)
        return folder

    def check(self, damage: Damage, numbers: Sequence[int]) -> None:
        """Each damage is noticed, or harmless."""
        for start in range(0, len(numbers), BATCH):
            batch = numbers[start : start + BATCH]
            folders = [self.copy(damage, number) for number in batch]
            for number, found in zip(batch, look_at(folders), strict=True):
                assert self.never_silent(found), (number, found)
            for folder in folders:
                shutil.rmtree(folder)

    def never_silent(self, found: Look) -> bool:
        unharmed = (found.content, found.revision) == (self.expected.content, self.expected.revision)
        return not found.untyped and (unharmed or bool(found.problems))


@pytest.fixture
def workshop(sound: Sound, tmp_path: Path) -> Workshop:
    return Workshop(sound, tmp_path)


def flip_a_bit(content: bytearray, chance: Chance) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def flip_a_bit_of_a_page_header(content: bytearray, chance: Chance) -> None:
    place = chance.randrange(len(content) // PAGE) * PAGE + chance.randrange(40)
    content[place] ^= 1 << chance.randrange(8)


def flip_the_given_bit(content: bytearray, chance: Chance) -> None:
    content[chance.number // 8] ^= 1 << chance.number % 8


def scramble_a_sector(content: bytearray, chance: Chance) -> None:
    place = chance.randrange(len(content) // 512) * 512
    content[place : place + 512] = chance.randbytes(512)


def blank_a_page(content: bytearray, chance: Chance) -> None:
    place = chance.randrange(len(content) // PAGE) * PAGE
    content[place : place + PAGE] = bytes(PAGE)


def exchange_two_pages(content: bytearray, chance: Chance) -> None:
    first, second = (chance.randrange(len(content) // PAGE) * PAGE for _ in range(2))
    one, other = content[first : first + PAGE], content[second : second + PAGE]
    content[first : first + PAGE], content[second : second + PAGE] = other, one


def cut_the_end_off(content: bytearray, chance: Chance) -> None:
    del content[chance.randrange(len(content)) :]


DAMAGES = (
    flip_a_bit,
    flip_a_bit_of_a_page_header,
    scramble_a_sector,
    blank_a_page,
    exchange_two_pages,
    cut_the_end_off,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_never_silent(damage: Damage, workshop: Workshop) -> None:
    workshop.check(damage, range(25))


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_much_damage_is_never_silent(damage: Damage, workshop: Workshop) -> None:
    workshop.check(damage, range(1_500))


@pytest.mark.parametrize("step", [97, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_no_bit_of_the_meta_pages_can_bring_the_past_back(workshop: Workshop, step: int) -> None:
    """The newest meta page of LMDB made to look old would show the commit before the last one. The first bytes of the
    other files are of as much consequence."""
    places = [page * PAGE * 8 + bit for page in (0, 1) for bit in range(META_BYTES * 8)]
    numbers = [(page * PAGE + TRANSACTION_NUMBER) * 8 + bit for page in (0, 1) for bit in range(6)]
    workshop.check(flip_the_given_bit, sorted({*places[::step], *numbers}))


def test_the_probe_would_notice_silent_damage(workshop: Workshop) -> None:
    """The control: another body, written in good order, is seen as other content."""
    folder = workshop.copy(lambda content, chance: None, 0)
    store = open_store(folder, engine_of(folder))
    store.write(lambda tx: tx.save_many([made(1, random.Random(9))]))
    store.close()
    (found,) = look_at([folder])
    assert not found.problems
    assert not workshop.never_silent(found)
