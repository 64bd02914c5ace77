from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from stigmer.contract import default_contract
from stigmer.errors import Internal, PermissionDenied
from stigmer.server.policy import Caller, LocalPolicy
from stigmer.server.servicer import checked

RECONCILER = ["GetServerInfo", "ListDigests", "GetResources", "ApplyChanges", "GetApplyOutcome", "Watch"]
ARTIFACTS = ["StoreArtifact", "GetArtifact", "FindMissingArtifacts"]
GENERIC = dict.fromkeys([*RECONCILER, *ARTIFACTS], lambda *_: None)


def changed(**methods):
    contract = copy.copy(default_contract())
    contract.methods = {**contract.methods, **methods}
    return contract


def test_every_method_of_the_contract_is_bound():
    assert len(checked(default_contract(), GENERIC)) == len(default_contract().methods)


def test_a_method_without_a_permission_keeps_the_server_from_starting():
    method = replace(default_contract().methods["GetAgent"], permission="")
    with pytest.raises(Internal, match="GetAgent"):
        checked(changed(GetAgent=method), GENERIC)


def test_a_method_that_nothing_serves_keeps_the_server_from_starting():
    method = replace(default_contract().methods["Watch"], name="Dance")
    with pytest.raises(Internal, match="Dance"):
        checked(changed(Dance=method), GENERIC)


def test_an_implementation_without_a_method_keeps_the_server_from_starting():
    with pytest.raises(Internal, match="Dance"):
        checked(default_contract(), {**GENERIC, "Dance": lambda *_: None})


def test_the_local_policy_admits_the_local_user_and_nobody_else():
    LocalPolicy().authorize(Caller("local", "me@here"), "agents.create", ["any"])
    assert LocalPolicy().grants(Caller("local", "me@here"), []) == ()
    for principal in ("", "someone"):
        with pytest.raises(PermissionDenied):
            LocalPolicy().authorize(Caller(principal, "x@y"), "agents.create", ["any"])
