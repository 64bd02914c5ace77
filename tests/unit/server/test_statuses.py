from __future__ import annotations

import grpc
import pytest
from google.rpc import status_pb2

from stigmer.errors import BY_CODE, StigmerError, Violation
from stigmer.server.statuses import CODES, MAX_DETAILS_BYTES, MAX_MESSAGE_BYTES, wire_status


def leaves(base=StigmerError):
    """Every error that has no subclass."""
    below = base.__subclasses__()
    return [leaf for each in below for leaf in leaves(each)] if below else [base]


def test_the_table_is_total():
    assert {leaf.code for leaf in leaves()} == set(CODES) == set(BY_CODE)
    assert set(CODES.values()) <= set(grpc.StatusCode) - {grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN}


@pytest.mark.parametrize("code", BY_CODE)
def test_each_leaf_has_the_status_of_its_name(code):
    found = wire_status(BY_CODE[code]("text"))
    assert found.code.name == code
    assert status_pb2.Status.FromString(found.details).code == found.code.value[0]
    assert found.message == "text"


def test_a_status_fits_into_trailers_whatever_it_says():
    violations = [Violation("f" * 10_000, "d" * 10_000, key="k" * 900) for _ in range(500)]
    for code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"):
        found = wire_status(BY_CODE[code]("ü" * 10_000, violations=violations, hint="h" * 10_000))
        assert len(found.details) <= MAX_DETAILS_BYTES
        assert len(found.message.encode()) <= MAX_MESSAGE_BYTES
