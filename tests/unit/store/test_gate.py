"""The gate between those who use a memory map and the one who replaces it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from stigmer.store.gate import Gate

SHORT = 0.05


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_an_exclusive_pass_waits_for_those_inside_and_holds_back_newcomers() -> None:
    gate, order = Gate(8), []
    gate.enter()

    def replace() -> None:
        with gate.exclusive():
            order.append("exclusive")

    def use() -> None:
        gate.enter()
        order.append("newcomer")
        gate.leave()

    replacing = in_thread(replace)
    time.sleep(SHORT)
    using = in_thread(use)
    time.sleep(SHORT)
    assert order == []
    gate.leave()
    replacing.join(5)
    using.join(5)
    assert order == ["exclusive", "newcomer"]


def test_a_thread_inside_passes_again_although_someone_waits_for_it_to_leave() -> None:
    gate, order = Gate(8), []
    gate.enter()

    def replace() -> None:
        with gate.exclusive():
            order.append("exclusive")

    replacing = in_thread(replace)
    time.sleep(SHORT)
    gate.enter()
    order.append("inside")
    gate.leave()
    assert gate.is_inside
    gate.leave()
    assert not gate.is_inside
    replacing.join(5)
    assert order == ["inside", "exclusive"]


def test_no_more_threads_are_inside_than_there_are_places() -> None:
    gate, lock, inside, most = Gate(3), threading.Lock(), 0, 0

    def use() -> None:
        nonlocal inside, most
        for _ in range(20):
            gate.enter()
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.0005)
            with lock:
                inside -= 1
            gate.leave()

    threads = [in_thread(use) for _ in range(12)]
    for thread in threads:
        thread.join(10)
    assert (inside, most) == (0, 3)


def test_who_gives_up_waiting_for_an_exclusive_pass_holds_nobody_back() -> None:
    gate = Gate(8)
    gate.enter()
    with gate.exclusive_within(SHORT) as passed:
        assert not passed
        newcomer = in_thread(lambda: (gate.enter(), gate.leave()))
        newcomer.join(5)
        assert not newcomer.is_alive()
    gate.leave()
    with gate.exclusive_within(0) as passed:
        assert passed
