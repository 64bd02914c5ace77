"""The contract with one more kind, compiled from a .proto text into a pool of its own: what a developer who adds a kind
writes, and nothing else."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from google.protobuf import descriptor_pb2, descriptor_pool

from stigmer.contract import Contract

ROOT = Path(__file__).resolve().parents[2]
PROTO = Path("stigmer/backend/v1")
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
        text = text.replace(
            'import "stigmer/backend/v1/mcp', f'import "{PROTO}/gadget.proto";\nimport "stigmer/backend/v1/mcp'
        )
        text = text.replace("service BackendService {\n", f"service BackendService {{\n{rpcs}")
        service.write_text(text + GADGET_MESSAGES)
        return bytes(generator().compile_sources(Path(name), sources).SerializeToString())


@cache
def added_contract() -> Contract:
    files = generator().strip_constraints(descriptor_pb2.FileDescriptorSet.FromString(added_descriptors()))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return Contract(pool)
