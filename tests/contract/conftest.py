"""The contract suite: the same tests for every kind of the registry and every store, over a real channel.

It is also run on a contract with one more kind, compiled here from a .proto text into a pool of its own, to show that
a kind needs no Python.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from stigmer.backend.v1 import options_pb2
from stigmer.contract import Contract, Kind, default_contract
from stigmer.server.app import StigmerServer, build_server
from stigmer.server.tokens import LocalCallers
from stigmer.store.engines import open_store

ROOT = Path(__file__).resolve().parents[2]
PROTO = Path("stigmer/backend/v1")

COMMITTED, ADDED = "committed", "added"
CASES = [(COMMITTED, "memory"), (COMMITTED, "lmdb"), (ADDED, "memory")]
ADDED_KIND = "Gadget"

GADGET = """
syntax = "proto3";
package stigmer.backend.v1;
import "buf/validate/validate.proto";
import "stigmer/backend/v1/metadata.proto";
import "stigmer/backend/v1/options.proto";

message Gadget {
  option (kind) = {
    api_version: "agentic.stigmer.ai/v1" plural: "gadgets" id_prefix: "gdg" apply_rank: 2
  };
  string api_version = 1;
  string kind = 2;
  ResourceMetadata metadata = 3 [(buf.validate.field).required = true];
  GadgetSpec spec = 4 [(buf.validate.field).required = true];
  GadgetStatus status = 5 [(rules).output_only = true];
}

message GadgetSpec {
  string description = 1 [(buf.validate.field).string.max_len = 4096];
  string serial = 2 [(rules).immutable = true, (buf.validate.field).string.min_len = 1];
  string skill = 3 [(rules).reference = {kind: "Skill" required: true}];
  string spare = 4 [(rules).reference = {kind: "Gadget" condition: "SparesResolved"}];
  repeated string colours = 5 [(rules).list_type = LIST_TYPE_SET];
  optional int32 size = 6 [(buf.validate.field).int32.lte = 9];
}

message GadgetStatus {
  repeated Condition conditions = 1;
}
"""

GADGET_MESSAGES = """
message CreateGadgetRequest {
  string name = 1 [(buf.validate.field).string.max_len = 253];
  GadgetSpec spec = 2;
  Gadget resource = 3;
  string org = 4;
  bool validate_only = 5;
  string request_id = 6 [(buf.validate.field).string.max_len = 253];
}
message UpdateGadgetRequest {
  Gadget resource = 1 [(buf.validate.field).required = true];
  google.protobuf.FieldMask update_mask = 2;
  bool validate_only = 3;
  string request_id = 4 [(buf.validate.field).string.max_len = 253];
}
message ListGadgetsResponse {
  repeated Gadget gadgets = 1;
  string next_page_token = 2;
  int64 revision = 3;
}
"""

RPCS = (
    ("Create", "CreateGadgetRequest", "Gadget", "CREATE"),
    ("Get", "GetResourceRequest", "Gadget", "GET"),
    ("Update", "UpdateGadgetRequest", "Gadget", "UPDATE"),
    ("Delete", "DeleteResourceRequest", "Gadget", "DELETE"),
    ("List", "ListResourcesRequest", "ListGadgetsResponse", "LIST"),
)

SPECS: dict[str, dict[str, Any]] = {
    "Environment": {"data": {"REGION": {"value": "eu"}}},
    "McpServer": {"stdio": {"command": "npx", "args": ["-y", "server"]}},
    "Skill": {"skill_md": "# Refunds\n"},
    "Agent": {"instructions": "Answer politely and briefly.", "config": {"model": "m", "temperature": "0.7"}},
    "Workflow": {"tasks": [{"name": "plan", "agent": "planner"}, {"name": "act", "depends_on": ["plan"], "agent": "a"}]},
}
"""A valid spec of each kind whose constraints a word in every text field does not meet."""


@cache
def generator() -> ModuleType:
    """tools/generate_contract.py, which is not a package."""
    spec = importlib.util.spec_from_file_location("generate_contract", ROOT / "tools/generate_contract.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def added_descriptors() -> bytes:
    """The descriptor set of the tree with one more kind."""
    with tempfile.TemporaryDirectory() as name:
        sources = Path(name) / "proto"
        shutil.copytree(ROOT / "proto", sources)
        (sources / PROTO / "gadget.proto").write_text(GADGET)
        service = sources / PROTO / "backend.proto"
        rpcs = "".join(
            f"  rpc {verb}Gadget{'s' * (verb == 'List')}({request}) returns ({response}) {{\n"
            f'    option (rpc) = {{ verb: VERB_{option} kind: "Gadget" permission: "gadgets.{verb.lower()}" }};\n  }}\n'
            for verb, request, response, option in RPCS
        )
        text = service.read_text()
        text = text.replace('import "stigmer/backend/v1/mcp', f'import "{PROTO}/gadget.proto";\nimport "stigmer/backend/v1/mcp')
        text = text.replace("service BackendService {\n", f"service BackendService {{\n{rpcs}")
        service.write_text(text + GADGET_MESSAGES)
        return bytes(generator().compile_sources(Path(name), sources).SerializeToString())


@cache
def added_contract() -> Contract:
    files = generator().strip_constraints(
        generator().descriptor_pb2.FileDescriptorSet.FromString(added_descriptors())
    )
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return Contract(pool)


@dataclass(frozen=True)
class Refusal:
    """A failed call as a client sees it."""

    code: str
    message: str
    reason: str
    hint: str
    fields: dict[str, str]
    """Field or subject -> description."""


class Refused:
    """Collects the refusal of a `with refused(...)` block."""

    error: Refusal


@dataclass
class Client:
    """A plain gRPC client made of the contract's method table."""

    contract: Contract
    channel: grpc.Channel
    calls: dict[str, Any] = field(default_factory=dict)

    def call(self, name: str, request: Any = None, /, *, timeout: float = 20, **fields: Any) -> Any:
        method = self.contract.methods[name]
        message = request if request is not None else method.input_class(**fields)
        return self._callable(name)(message, timeout=timeout)

    def stream(self, name: str, /, *, timeout: float = 20, **fields: Any) -> Any:
        return self._callable(name)(self.contract.methods[name].input_class(**fields), timeout=timeout)

    def raw(self, name: str, data: bytes) -> Any:
        """Send bytes that need not be a message."""
        return self.channel.unary_unary(f"/{self.contract.service_name}/{name}")(data, timeout=20)

    def apply(self, *changes: dict[str, Any], timeout: float = 60, chunk: int = 1000, **header: Any) -> Any:
        header.setdefault("request_id", f"apply-{next(COUNTER)}")
        header.setdefault("change_count", len(changes))
        request = self.contract.methods["ApplyChanges"].input_class
        messages = [request(header=header)]
        messages += [
            request(chunk={"changes": changes[at : at + chunk]}) for at in range(0, len(changes), chunk)
        ]
        return self._callable("ApplyChanges")(iter(messages), timeout=timeout)

    def create(self, kind: Kind, resource: Any, **fields: Any) -> Any:
        return self.call(kind.methods["create"].name, resource=resource, **fields)

    def get(self, kind: Kind, slug: str, org: str) -> Any:
        return self.call(kind.methods["get"].name, slug=slug, org=org)

    def update(self, kind: Kind, resource: Any, *mask: str, **fields: Any) -> Any:
        if mask:
            fields["update_mask"] = {"paths": mask}
        return self.call(kind.methods["update"].name, resource=resource, **fields)

    def delete(self, kind: Kind, slug: str, org: str, **fields: Any) -> Any:
        return self.call(kind.methods["delete"].name, slug=slug, org=org, **fields)

    def list(self, kind: Kind, **fields: Any) -> Any:
        return self.call(kind.methods["list"].name, **fields)

    def items(self, kind: Kind, **fields: Any) -> list[Any]:
        """All resources of a list, over all its pages."""
        found: list[Any] = []
        token = ""
        while True:
            page = self.list(kind, page_token=token, **fields)
            found += items_of(kind, page)
            token = page.next_page_token
            if not token:
                return found

    def revision(self) -> int:
        return int(self.call("GetServerInfo").revision)

    def _callable(self, name: str) -> Any:
        if name not in self.calls:
            method = self.contract.methods[name]
            shape = {
                (False, False): self.channel.unary_unary,
                (False, True): self.channel.unary_stream,
                (True, False): self.channel.stream_unary,
            }[method.client_streaming, method.server_streaming]
            self.calls[name] = shape(
                f"/{self.contract.service_name}/{name}",
                request_serializer=method.input_class.SerializeToString,
                response_deserializer=method.output_class.FromString,
            )
        return self.calls[name]


COUNTER = itertools.count(1)


def items_of(kind: Kind, page: Any) -> list[Any]:
    (items,) = [
        getattr(page, each.name)
        for each in page.DESCRIPTOR.fields
        if each.is_repeated and each.message_type.name == kind.name
    ]
    return list(items)


class RunningServer:
    """A server on a loop and thread of its own."""

    def __init__(self, contract: Contract, engine: str, folder: Path, **options: Any) -> None:
        self.contract = contract
        self.store = open_store(folder, engine=engine, **options)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        descriptors = added_descriptors() if ADDED_KIND in self.contract.kinds else None
        self.server: StigmerServer = build_server(
            self.store, self.contract, identify=LocalCallers("a token"), descriptors=descriptors
        )
        self.folder = tempfile.TemporaryDirectory(prefix="stg")
        self.address = f"unix:{self.folder.name}/s"
        self.server.grpc.add_insecure_port(self.address)
        self.tcp = f"127.0.0.1:{self.server.grpc.add_insecure_port('127.0.0.1:0')}"
        await self.server.start()
        self._ready.set()
        await self._stop.wait()
        await self.server.stop(grace=5)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.folder.cleanup()
        self.store.close()


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


def filled(kind: Kind) -> dict[str, Any]:
    """A word in every text field that is no reference."""
    fields = kind.descriptor.fields_by_name["spec"].message_type.fields
    return {
        each.name: "word"
        for each in fields
        if each.type == each.TYPE_STRING
        and not each.is_repeated
        and not each.GetOptions().Extensions[options_pb2.rules].HasField("reference")
    }


def required_references(kind: Kind) -> list[tuple[str, str]]:
    found = []
    for each in kind.descriptor.fields_by_name["spec"].message_type.fields:
        reference = each.GetOptions().Extensions[options_pb2.rules].reference
        if reference.required and not each.is_repeated:
            found.append((each.name, reference.kind))
    return found


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        if error.code().name not in codes:
            raise


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


def read_refusal(error: Any) -> Refusal:
    info = error_details_pb2.ErrorInfo()
    fields: dict[str, str] = {}
    status = rpc_status.from_call(error)
    for packed in status.details if status is not None else ():
        bad, failed = error_details_pb2.BadRequest(), error_details_pb2.PreconditionFailure()
        if packed.Unpack(bad):
            fields.update((each.field, each.description) for each in bad.field_violations)
        elif packed.Unpack(failed):
            fields.update((each.subject, each.description) for each in failed.violations)
        else:
            packed.Unpack(info)
    return Refusal(error.code().name, error.details(), info.reason, info.metadata.get("hint", ""), fields)
