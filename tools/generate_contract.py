"""Generate `stigmer/backend/v1/` from `proto/`, or with --check say whether the committed code is up to date.

The constraints in our files are options of `buf/validate/validate.proto`. No package on PyPI offers that file as a
Python module, and two copies of it in one process abort it. So our generated code must not import it: the sources are
compiled against the descriptor that protovalidate carries, the dependency is then dropped from our descriptors while
the option bytes stay, and the Python code is generated from the stripped set. protovalidate reads the constraints from
those bytes. The unstripped set lies beside the code as `contract.binpb`, for reflection, linters and documentation.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb  # the package's one descriptor of its own .proto file

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "proto"
PACKAGE = Path("stigmer/backend/v1")
CONSTRAINTS = "buf/validate/validate.proto"
DESCRIPTOR_SET = "contract.binpb"


def constraint_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The descriptor of validate.proto, from the installed protovalidate."""
    files = descriptor_pb2.FileDescriptorSet()
    files.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return files


def compile_sources(workdir: Path, sources: Path = SOURCES) -> descriptor_pb2.FileDescriptorSet:
    """Compile every .proto below `sources` with comments and imports into one descriptor set."""
    constraints = workdir / "constraints.binpb"
    constraints.write_bytes(constraint_descriptors().SerializeToString())
    full = workdir / "full.binpb"
    run_protoc(
        f"-I{sources}",
        f"-I{well_known_types()}",
        f"--descriptor_set_in={constraints}",
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={full}",
        *relative_sources(sources),
    )
    files = descriptor_pb2.FileDescriptorSet.FromString(full.read_bytes())
    for file in files.file:
        keep_comments(file)
    return files


def keep_comments(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Drop what the compiler says of places in the source, except the comments of our own files."""
    ours = file.name.startswith(PACKAGE.as_posix())
    commented = [
        place
        for place in file.source_code_info.location
        if ours and (place.leading_comments or place.trailing_comments)
    ]
    file.ClearField("source_code_info")
    file.source_code_info.location.extend(commented)


def strip_constraints(files: descriptor_pb2.FileDescriptorSet) -> descriptor_pb2.FileDescriptorSet:
    """Our files without comments and the dependency on validate.proto; the option bytes stay as unknown fields."""
    stripped = descriptor_pb2.FileDescriptorSet()
    for file in files.file:
        if file.name == CONSTRAINTS:
            continue
        copy = stripped.file.add()
        copy.CopyFrom(file)
        copy.ClearField("source_code_info")
        kept = [name for name in file.dependency if name != CONSTRAINTS]
        del copy.dependency[:]
        copy.dependency.extend(kept)
    return stripped


def generate(destination: Path) -> None:
    """Write the Python package's generated files below `destination`."""
    with tempfile.TemporaryDirectory() as name:
        workdir = Path(name)
        full = compile_sources(workdir)
        stripped = workdir / "stripped.binpb"
        stripped.write_bytes(strip_constraints(full).SerializeToString(deterministic=True))
        run_protoc(
            f"--descriptor_set_in={stripped}",
            f"--python_out={destination}",
            f"--pyi_out={destination}",
            f"--grpc_python_out={destination}",
            *relative_sources(SOURCES),
        )
        drop_empty_service_stubs(destination / PACKAGE)
        (destination / PACKAGE / DESCRIPTOR_SET).write_bytes(full.SerializeToString(deterministic=True))


def drop_empty_service_stubs(package: Path) -> None:
    """protoc writes a *_pb2_grpc.py for files without a service too; they hold nothing."""
    for path in package.glob("*_pb2_grpc.py"):
        if "Stub(object)" not in path.read_text():
            path.unlink()


def relative_sources(sources: Path) -> list[str]:
    return sorted(str(path.relative_to(sources)) for path in sources.rglob("*.proto"))


def well_known_types() -> Path:
    return Path(protoc.__file__).parent / "_proto"


def run_protoc(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        raise SystemExit("protoc failed")


def drift() -> list[str]:
    """Names of generated files that differ from what the sources give."""
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name))
        fresh, committed = Path(name) / PACKAGE, ROOT / PACKAGE
        generated = {path.name for pattern in GENERATED for path in fresh.glob(pattern)}
        present = {path.name for pattern in GENERATED for path in committed.glob(pattern)}
        _, differing, unreadable = filecmp.cmpfiles(fresh, committed, sorted(generated & present), shallow=False)
        return sorted({*differing, *unreadable, *(generated ^ present)})


GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", DESCRIPTOR_SET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the committed code is not up to date")
    if not parser.parse_args().check:
        generate(ROOT)
        return
    if differing := drift():
        sys.exit(f"generated code is not up to date: {', '.join(differing)}; run python tools/generate_contract.py")


if __name__ == "__main__":
    main()
