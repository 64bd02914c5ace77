"""The contract suite: the same tests for every kind of the registry and every store, over a real channel.

It is also run on a contract with one more kind, compiled here from a .proto text into a pool of its own, to show that
a kind needs no Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from stigmer.contract import Contract, Kind, default_contract
from stigmer.store.engines import ENGINES

from .added_kind import ADDED_KIND, added_contract
from .harness import COUNTER, Client, Refused, RunningServer, ignoring, read_refusal
from .specimens import SPECS, filled, required_references

COMMITTED, ADDED = "committed", "added"
CASES = [*((COMMITTED, engine) for engine in ENGINES), (ADDED, "memory")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        committed = list(default_contract().kinds)
        pairs = [(case, name) for case in CASES for name in ([ADDED_KIND] if case[0] == ADDED else committed)]
        metafunc.parametrize(("case", "kind"), pairs, indirect=True, ids=["-".join((*c, name)) for c, name in pairs])
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, indirect=True, ids=["-".join(case) for case in CASES])


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[tuple[str, str]], RunningServer]]:
    """The running server of a case; started once, shared by tests that each use an org of their own."""
    running: dict[tuple[str, str], RunningServer] = {}

    def server(case: tuple[str, str]) -> RunningServer:
        if case not in running:
            contract = added_contract() if case[0] == ADDED else default_contract()
            running[case] = RunningServer(contract, case[1], tmp_path_factory.mktemp("data"))
        return running[case]

    yield server
    for each in running.values():
        each.stop()


@pytest.fixture
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def server(case: tuple[str, str], servers: Callable[[tuple[str, str]], RunningServer]) -> RunningServer:
    return servers(case)


@pytest.fixture
def contract(server: RunningServer) -> Contract:
    return server.contract


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with grpc.insecure_channel(server.address) as channel:
        yield Client(server.contract, channel)


@pytest.fixture
def kind(request: pytest.FixtureRequest, contract: Contract) -> Kind:
    return contract.kinds[request.param]


@pytest.fixture
def skills(contract: Contract) -> Kind:
    """What does not depend on the kind is shown on this one."""
    return contract.kinds["Skill"]


@pytest.fixture
def one_kind(contract: Contract) -> Kind:
    """Likewise, or on the added kind where there is one."""
    return contract.kinds.get(ADDED_KIND) or contract.kinds["Skill"]


@pytest.fixture
def org() -> str:
    """An org that no other test uses."""
    return f"org-{next(COUNTER)}"


@pytest.fixture
def make(client: Client, org: str) -> Callable[..., Any]:
    """A valid resource message of a kind, its required targets already created."""

    def resource(kind: Kind, slug: str, **metadata: Any) -> Any:
        spec = dict(SPECS.get(kind.name) or filled(kind))
        for name, target in required_references(kind):
            spec[name] = f"the-{target.lower()}"
            with ignoring("ALREADY_EXISTS"):
                client.create(client.contract.kinds[target], resource(client.contract.kinds[target], spec[name]))
        return kind.message_class(metadata={"name": slug, "slug": slug, "org": org, **metadata}, spec=spec)

    return resource


@pytest.fixture
def refused() -> Callable[[str], Any]:
    """`with refused("NOT_FOUND") as caught:` around a call; afterwards `caught.error` says what the client was told."""

    @contextmanager
    def catch(code: str) -> Iterator[Refused]:
        caught = Refused()
        with pytest.raises(grpc.RpcError) as raised:
            yield caught
        caught.error = read_refusal(raised.value)
        assert caught.error.code == code, caught.error

    return catch
