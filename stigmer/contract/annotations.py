"""What the full descriptor set says beyond the generated code: comments and constraints.

Documentation is made from it: `explain`, the JSON Schema and the reference pages. A contract of another pool, such as
one with a kind more, is documented from the descriptor set that it was compiled to.
"""

from __future__ import annotations

import pkgutil
from functools import cache

from google.protobuf import descriptor_pb2

from stigmer.contract.comments import Comments
from stigmer.contract.constraints import ConstraintIndex

DESCRIPTOR_SET = ("stigmer.backend.v1", "contract.binpb")
"""Package and file of the descriptor set that lies beside the generated code."""


class Annotations:
    """Comments and constraints of one descriptor set, given as the bytes of a FileDescriptorSet."""

    def __init__(self, descriptor_set: bytes) -> None:
        files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set)
        self.comments = Comments(files.file)
        self.constraints = ConstraintIndex(files)


@cache
def default_annotations() -> Annotations:
    """Those of the contract this version of stigmer was built with."""
    data = pkgutil.get_data(*DESCRIPTOR_SET)
    if data is None:
        raise FileNotFoundError("/".join(DESCRIPTOR_SET))
    return Annotations(data)
