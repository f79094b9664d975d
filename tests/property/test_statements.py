"""Every valid statement passes; every broken one is refused, and where it is broken."""

import copy

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.statements.rules import validate
from domain.values.version import Version
from tests.strategies.statements import Broken, broken_statements, statements
from tests.strategies.values import Json

VERSIONS = list(Version)


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
def test_every_valid_statement_is_accepted_and_left_alone(
    version: Version, data: st.DataObject
) -> None:
    statement = data.draw(statements(version))
    before = copy.deepcopy(statement)
    validate(statement, version)
    assert statement == before


@given(statement=statements(Version.V1_0_3))
def test_a_statement_reads_the_same_after_json(statement: Json) -> None:
    validate(orjson.loads(orjson.dumps(statement)), Version.V1_0_3)


@pytest.mark.parametrize("version", VERSIONS)
@given(data=st.data())
def test_every_fault_is_refused_where_it_stands(version: Version, data: st.DataObject) -> None:
    broken: Broken = data.draw(broken_statements(version))
    with pytest.raises(Invalid) as refusal:
        validate(broken.statement, version)
    assert (refusal.value.pointer, refusal.value.rule) == (broken.pointer, broken.rule)
    assert refusal.value.section.startswith(str(version))
    assert refusal.value.detail
