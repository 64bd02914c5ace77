"""Documents of every kind, and the contract they are bound with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from stigmer.contract import Contract, default_contract

SAMPLES: list[dict[str, Any]] = list(yaml.safe_load_all((Path(__file__).parent / "samples.yaml").read_text()))


@pytest.fixture(scope="session")
def contract() -> Contract:
    return default_contract()


@pytest.fixture(params=SAMPLES, ids=lambda sample: f"{sample['kind']}-{sample['metadata']['name']}")
def sample(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


@pytest.fixture
def samples() -> list[dict[str, Any]]:
    return SAMPLES
