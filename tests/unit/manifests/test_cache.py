"""Layer: the stat cache. The racy rule is held against a model whose clock and file system can do their worst."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests import Entry, FileTree, MemoryTree, Scan, StatCache, StdinTree, cache
from manifests.cachefile import filesystem_time
from manifests.diagnostics import error
from manifests.walk import _IDENTITY, STAT_MARK

LONG_AGO = 1_500_000_000_123_456_789
FINGERPRINT = "codec 1, contract 2"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "caches" / "project"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    folder.mkdir()
    return folder


def entry(path: str, stamp: int = LONG_AGO, size: int = 3) -> Entry:
    return Entry(path, STAT_MARK + _IDENTITY.pack(size, stamp, stamp, 7))


def saved(file: Path, scan: Scan, payloads: dict[str, bytes], summary: bytes = b"all", **options: object) -> StatCache:
    opened = StatCache.open(file, FINGERPRINT)
    assert opened.save(scan, payloads, summary, **options)  # type: ignore[arg-type]
    return StatCache.open(file, FINGERPRINT)


TWO = Scan((entry("a.yaml"), entry("b.yaml")))
PAYLOADS = {"a.yaml": b"A" * 300, "b.yaml": b""}


def test_a_saved_scan_is_recognised(file: Path) -> None:
    again = saved(file, TWO, PAYLOADS)
    assert again.unchanged(TWO) == b"all"
    assert [again.lookup(item) for item in TWO.entries] == [b"A" * 300, b""]


def test_payloads_may_be_aligned_with_the_entries(file: Path) -> None:
    opened = StatCache.open(file, FINGERPRINT)
    assert opened.save(TWO, [b"1", None], b"all")
    assert [opened.lookup(item) for item in TWO.entries] == [b"1", None]
    assert opened.unchanged(TWO) is None


@pytest.mark.parametrize(
    "other",
    [
        Scan((entry("a.yaml"),)),
        Scan((entry("b.yaml"), entry("a.yaml"))),
        Scan((entry("a.yaml"), entry("b.yaml"), entry("c.yaml"))),
        Scan((entry("a.yaml"), entry("b.yaml", size=4))),
        Scan((entry("a.yaml"), entry("b.yaml", stamp=LONG_AGO + 1))),
        Scan((entry("a.yaml"), entry("B.yaml"))),
        Scan((entry("a.yaml"),), project_files=(entry("b.yaml"),)),
        Scan(TWO.entries, project_files=(entry("Stigmer.yaml"),)),
        Scan(TWO.entries, (error("a broken link"),)),
        Scan(()),
    ],
    ids=[
        "removed",
        "reordered",
        "added",
        "resized",
        "touched",
        "renamed",
        "project",
        "new project",
        "mistake",
        "empty",
    ],
)
def test_any_difference_is_seen(file: Path, other: Scan) -> None:
    assert saved(file, TWO, PAYLOADS).unchanged(other) is None


def test_an_unchanged_entry_is_found_in_a_changed_scan(file: Path) -> None:
    again = saved(file, TWO, PAYLOADS)
    assert again.lookup(entry("a.yaml")) == b"A" * 300
    assert again.lookup(entry("a.yaml", size=4)) is None
    assert again.lookup(entry("c.yaml")) is None


def test_a_changed_project_file_is_a_change(file: Path) -> None:
    scan = Scan(TWO.entries, project_files=(entry("Stigmer.yaml"),))
    again = saved(file, scan, PAYLOADS)
    assert again.unchanged(scan) == b"all"
    assert again.unchanged(Scan(TWO.entries, project_files=(entry("Stigmer.yaml", size=9),))) is None


def test_a_volatile_entry_is_never_trusted(file: Path) -> None:
    again = saved(file, TWO, PAYLOADS, volatile={"b.yaml"})
    assert again.unchanged(TWO) is None
    assert [again.lookup(item) for item in TWO.entries] == [b"A" * 300, None]


@pytest.mark.parametrize("age", [0, 1, cache.TICK_NS, cache.TICK_NS + 1, -5_000_000_000])
def test_an_entry_not_older_than_the_opening_of_the_cache_is_not_trusted(file: Path, age: int) -> None:
    opened_at = LONG_AGO + 7_000_000_000
    scan = Scan((entry("a.yaml", opened_at - age),))
    StatCache.open(file, "x", clock=lambda _: opened_at).save(scan, {"a.yaml": b"A"}, b"all")
    again = StatCache.open(file, "x", clock=lambda _: opened_at + 10**12)
    trusted = age > cache.TICK_NS
    assert again.lookup(scan.entries[0]) == (b"A" if trusted else None)
    assert again.unchanged(scan) == (b"all" if trusted else None)


def test_whole_seconds_are_taken_for_a_coarse_clock(file: Path) -> None:
    second = 1_500_000_000 * 10**9
    scan = Scan((entry("a.yaml", second), entry("b.yaml", second + 1)))
    opened = StatCache.open(file, "x", clock=lambda _: second + 1_900_000_000)
    opened.save(scan, {"a.yaml": b"A", "b.yaml": b"B"}, b"all")
    assert [opened.lookup(item) for item in scan.entries] == [None, b"B"]


def test_ids_of_content_are_trusted_and_missing_ones_are_not(file: Path) -> None:
    import io

    scan = MemoryTree({"a.yaml": "a: 1"}).scan()
    assert saved(file, scan, {"a.yaml": b"A"}).unchanged(scan) == b"all"
    scan = StdinTree(io.BytesIO(b"a: 1")).scan()
    again = saved(file, scan, {"<stdin>": b"A"})
    assert (again.unchanged(scan), again.lookup(scan.entries[0])) == (None, None)


def test_a_file_rewritten_with_the_same_size_in_the_same_tick_is_read_again(file: Path, folder: Path) -> None:
    path = folder / "a.yaml"
    tree = FileTree([str(folder)])
    stale = 0
    for number in range(200):
        path.write_text(f"n: {number:04}")
        opened = StatCache.open(file, FINGERPRINT)
        scan = tree.scan()
        opened.save(scan, {scan.entries[0].path: tree.read(scan.entries[0])}, b"all")
        path.write_text(f"n: {number:04}"[::-1])
        later = tree.scan()
        again = StatCache.open(file, FINGERPRINT)
        stale += again.lookup(later.entries[0]) is not None or again.unchanged(later) is not None
    assert stale == 0


def test_a_file_that_has_rested_is_trusted(file: Path, folder: Path) -> None:
    (folder / "a.yaml").write_text("a: 1")
    tree = FileTree([str(folder)])
    before = filesystem_time(folder)
    assert before is not None
    later = StatCache.open(file, FINGERPRINT, clock=lambda _: before + 10**9)
    scan = tree.scan()
    later.save(scan, {scan.entries[0].path: b"A"}, b"all")
    assert StatCache.open(file, FINGERPRINT).unchanged(tree.scan()) == b"all"


def test_the_summary_alone_can_be_replaced(file: Path) -> None:
    again = saved(file, TWO, PAYLOADS)
    image = file.read_bytes()
    assert again.update_summary(b"newer")
    assert file.read_bytes() == image
    assert again.unchanged(TWO) == StatCache.open(file, FINGERPRINT).unchanged(TWO) == b"newer"
    assert not StatCache.open(file.with_name("other"), FINGERPRINT).update_summary(b"nothing to summarise")


def test_a_summary_of_an_older_image_is_not_believed(file: Path) -> None:
    saved(file, TWO, PAYLOADS, b"old")
    summary = file.with_name(file.name + ".summary")
    old = summary.read_bytes()
    again = saved(file, TWO, PAYLOADS, b"new")
    summary.write_bytes(old)
    assert again.unchanged(TWO) is None
    assert again.lookup(TWO.entries[0]) == PAYLOADS["a.yaml"]


def test_another_fingerprint_is_an_empty_cache(file: Path) -> None:
    saved(file, TWO, PAYLOADS)
    other = StatCache.open(file, "codec 2")
    assert (other.unchanged(TWO), other.lookup(TWO.entries[0])) == (None, None)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_cache_that_others_may_write_is_an_empty_one(file: Path, mode: int) -> None:
    saved(file, TWO, PAYLOADS)
    file.chmod(mode)
    assert StatCache.open(file, FINGERPRINT).unchanged(TWO) is None


def test_a_cache_behind_a_link_or_in_the_place_of_a_folder_is_an_empty_one(file: Path) -> None:
    saved(file, TWO, PAYLOADS)
    link = file.with_name("link")
    link.symlink_to(file.name)
    link.with_name("link.summary").symlink_to(file.name + ".summary")
    assert StatCache.open(link, FINGERPRINT).unchanged(TWO) is None
    assert StatCache.open(file.parent, FINGERPRINT).unchanged(TWO) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_cache_of_somebody_else_is_an_empty_one(file: Path) -> None:
    saved(file, TWO, PAYLOADS)
    os.chown(file, 65534, 65534)
    assert StatCache.open(file, FINGERPRINT).unchanged(TWO) is None


def test_a_cache_is_private_and_leaves_nothing_behind(file: Path) -> None:
    saved(file, TWO, PAYLOADS)
    assert {path.name for path in file.parent.iterdir()} == {"project", "project.summary"}
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_cannot_be_written_stays_as_it_is(file: Path, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    opened = StatCache.open(tmp_path / "blocked" / "project", FINGERPRINT)
    assert opened.unchanged(TWO) is None
    assert not opened.save(TWO, PAYLOADS, b"all")
    file.mkdir(parents=True)
    assert not StatCache.open(file, FINGERPRINT).save(TWO, PAYLOADS, b"all")
    assert list(file.parent.iterdir()) == [file]


@settings(max_examples=60)
@given(st.data())
def test_damage_is_noticed_wherever_it_is(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "project"
        saved(file, TWO, PAYLOADS)
        whole = file.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        broken = data.draw(st.sampled_from(["cut", "flip", "grow"]))
        if broken == "cut":
            file.write_bytes(whole[:at])
        elif broken == "flip":
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1 :])
        else:
            file.write_bytes(whole + b"x" * (at + 1))
        again = StatCache.open(file, FINGERPRINT)
        assert [again.lookup(item) for item in TWO.entries] in ([None, None], list(PAYLOADS.values()))
        if again.lookup(TWO.entries[0]) is None and again.unchanged(TWO) is not None:
            assert whole[:-300] == file.read_bytes()[:-300], "only payloads may be damaged under an intact summary"


PATHS = ("a.yaml", "b.yaml")
ACTIONS = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 1_000, 3_000_000, 20_000_000, 900_000_000, 3_000_000_000])),
    st.tuples(st.just("write"), st.sampled_from(PATHS)),
    st.tuples(st.just("restamp"), st.sampled_from(PATHS)),
    st.tuples(st.just("replace"), st.sampled_from(PATHS)),
)
BURST = st.lists(ACTIONS, max_size=4)


@dataclass
class World:
    """Files of one size under a clock of `tick`, and the caches that look at them."""

    file: Path
    tick: int
    now: int = LONG_AGO
    contents: dict[str, bytes] = field(default_factory=dict)
    stamps: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    serial: count[int] = field(default_factory=count)

    def act(self, actions: list[tuple[str, int | str]]) -> None:
        for name, argument in actions:
            if isinstance(argument, int):
                self.now += argument
            else:
                self.touch(argument, name)

    def touch(self, path: str, name: str) -> None:
        stamp = self.now // self.tick * self.tick
        inode = self.stamps.get(path, (0, 0, 0))[2] + (name == "replace")
        mtime = LONG_AGO - 10**12 if name == "restamp" else stamp
        self.stamps[path] = mtime, stamp, inode
        self.contents[path] = b"%08d" % next(self.serial)

    def scan(self) -> Scan:
        return Scan(tuple(Entry(path, STAT_MARK + _IDENTITY.pack(8, *self.stamps[path])) for path in PATHS))

    def cycle(self, after_scan: list[tuple[str, int | str]], after_reading: list[tuple[str, int | str]]) -> None:
        """What an apply does, with files changing under it."""
        opened = StatCache.open(self.file, "x", clock=lambda _: self.now // 4_000_000 * 4_000_000)
        scan, seen = self.scan(), dict(self.contents)
        assert opened.unchanged(scan) in (None, repr(sorted(seen.items())).encode())
        known = {item.path: opened.lookup(item) for item in scan.entries}
        assert all(payload in (None, seen[path]) for path, payload in known.items())
        self.act(after_scan)
        read = {path: payload or self.contents[path] for path, payload in known.items()}
        self.act(after_reading)
        opened.save(scan, read, repr(sorted(read.items())).encode())


def run(tick: int, cycles: list[tuple[list[tuple[str, int | str]], ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name) / "project", tick)
        for path in PATHS:
            world.touch(path, "write")
        for between, after_scan, after_reading in cycles:
            world.act(between)
            world.cycle(after_scan, after_reading)


@settings(max_examples=120)
@given(
    st.sampled_from([1, 4_000_000, 10_000_000, 1_000_000_000, 2_000_000_000]),
    st.lists(st.tuples(BURST, BURST, BURST), min_size=2, max_size=5),
)
def test_the_cache_never_says_what_is_no_longer_true(
    tick: int, cycles: list[tuple[list[tuple[str, int | str]], ...]]
) -> None:
    run(tick, cycles)


def test_without_the_racy_rule_the_same_model_finds_a_stale_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_is_racy", lambda identity, opened_at: False)
    with pytest.raises(AssertionError):
        run(4_000_000, [([("write", "a.yaml")], [], [("write", "a.yaml")]), ([], [], [])])


def test_a_project_of_many_files_round_trips(file: Path) -> None:
    scan = Scan(tuple(entry(f"team-{n % 7}/ágent-{n}.yaml", size=n) for n in range(5_000)))
    again = saved(file, scan, {item.path: b"%d" % number for number, item in enumerate(scan.entries)})
    assert again.unchanged(scan) == b"all"
    assert [again.lookup(item) for item in scan.entries] == [b"%d" % number for number in range(5_000)]


def many(count: int = 1_300) -> Scan:
    return Scan(tuple(entry(f"{number:05}.yaml") for number in range(count)))


def payload_of(path: str) -> bytes:
    return f"<{path}>".encode()


def opened_with(file: Path, scan: Scan, **options: object) -> StatCache:
    saved(file, scan, {each.path: payload_of(each.path) for each in scan.entries}, **options)
    return StatCache.open(file, FINGERPRINT)


def test_a_few_differences_are_found_among_many_entries(file: Path) -> None:
    scan = many()
    stored = opened_with(file, scan)
    touched = [
        entry(each.path, size=4) if number in (0, 511, 512, 1299) else each for number, each in enumerate(scan.entries)
    ]
    found = stored.difference(Scan(tuple(touched)), 10)
    assert found is not None
    assert [each.path for each in found.fresh] == ["00000.yaml", "00511.yaml", "00512.yaml", "01299.yaml"]
    assert found.stale == tuple(payload_of(each.path) for each in found.fresh)
    assert found.is_lasting


def test_new_and_vanished_entries_are_differences(file: Path) -> None:
    scan = many()
    stored = opened_with(file, scan)
    entries = [each for each in scan.entries if each.path != "00700.yaml"]
    found = stored.difference(Scan((*entries, entry("zz.yaml"))), 10)
    assert found is not None
    assert [each.path for each in found.fresh] == ["zz.yaml"]
    assert found.stale == (payload_of("00700.yaml"),)


def test_more_differences_than_asked_for_are_none(file: Path) -> None:
    scan = many()
    stored = opened_with(file, scan)
    touched = Scan(tuple(entry(each.path, size=4) if number < 11 else each for number, each in enumerate(scan.entries)))
    assert stored.difference(touched, 10) is None
    assert stored.difference(touched, 11) is not None


def test_a_project_file_that_comes_goes_or_changes_is_no_small_difference(file: Path) -> None:
    scan = many(3)
    stored = opened_with(file, scan)
    assert stored.difference(Scan(scan.entries, (), (entry("Stigmer.yaml"),)), 10) is None
    with_project = Scan(scan.entries, (), (entry("Stigmer.yaml"),))
    stored = opened_with(file, with_project)
    assert stored.difference(scan, 10) is None
    assert stored.difference(Scan(scan.entries, (), (entry("Stigmer.yaml", size=9),)), 10) is None
    assert stored.difference(with_project, 10) is not None


def test_volatile_entries_are_always_different_and_saving_again_spares_nothing(file: Path) -> None:
    scan = many(5)
    stored = opened_with(file, scan, volatile={"00003.yaml"})
    found = stored.difference(scan, 10)
    assert found is not None
    assert ([each.path for each in found.fresh], found.is_lasting) == (["00003.yaml"], False)
    edited = Scan(tuple(entry(each.path, size=8) if each.path == "00003.yaml" else each for each in scan.entries))
    changed = stored.difference(edited, 10)
    assert changed is not None
    assert changed.is_lasting


def test_a_damaged_payload_makes_no_difference_known(file: Path) -> None:
    scan = many(5)
    opened_with(file, scan)
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)
    stored = StatCache.open(file, FINGERPRINT)
    assert stored.difference(Scan((*scan.entries, entry("zz.yaml"))), 10) is None


def test_payloads_can_be_searched_without_taking_them_apart(file: Path) -> None:
    stored = opened_with(file, many(5))
    assert stored.contains(b"<00004.yaml>")
    assert not stored.contains(b"<00005.yaml>")
    assert not StatCache.open(file.with_name("none"), FINGERPRINT).contains(b"")
