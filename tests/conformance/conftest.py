"""An LRS over a real database, asked in each version of xAPI by turns."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from domain.values.version import Version
from tests.integration.api.conftest import (  # noqa: F401
    Caller,
    app,
    callers,
    institution,
    services,
    stranger,
    tool,
)

V1, V2 = (str(version) for version in Version)


@pytest.fixture(params=[V1, V2])
def version(request: pytest.FixtureRequest) -> str:
    """Each version."""
    return str(request.param)


@pytest.fixture
def lrs(tool: Caller, version: str) -> Caller:  # noqa: F811
    """A tool that speaks this version."""
    return replace(tool, version=version)


@pytest.fixture
def lrs1(tool: Caller) -> Caller:  # noqa: F811
    """A tool that speaks 1.0.3."""
    return replace(tool, version=V1)


@pytest.fixture
def lrs2(tool: Caller) -> Caller:  # noqa: F811
    """A tool that speaks 2.0.0."""
    return replace(tool, version=V2)


def query(path: str, **parameters: Any) -> str:
    """Returns the address with parameters; objects as JSON."""
    texts = {
        name: orjson.dumps(value).decode() if isinstance(value, dict) else value
        for name, value in parameters.items()
    }
    return f"{path}?{urlencode(texts)}"
