"""Erasure finds whoever a refused statement names: wherever they stand, however it is broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.people import named
from domain.quarantine import identifiers
from domain.values.version import Version
from tests.strategies.statements import statements
from tests.strategies.values import json_values


@pytest.mark.parametrize("version", list(Version))
@given(data=st.data())
def test_everybody_named_is_found(version: Version, data: st.DataObject) -> None:
    statement = data.draw(statements(version))
    ifis = {name.ifi for name in named(statement) if name.ifi is not None}
    assert ifis <= identifiers(statement)
    assert ifis <= identifiers({"misplaced": [[statement]], "verb": None})


@given(json_values)
def test_any_json_can_be_looked_through(value: object) -> None:
    assert isinstance(identifiers(value), set)
