"""Manifests become resources, once. Assumes each layer below tested on its own."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import Cli, agent, manifest  # noqa: TID251
