"""Streams of statements: the id stays what RFC 9562 says, whatever computes it."""

from uuid import UUID, uuid4, uuid5

from hypothesis import given
from hypothesis import strategies as st

from domain.statements.events import originator_of


@given(institution=st.uuids(), statement_id=st.uuids())
def test_a_stream_is_named_by_institution_and_id(institution: UUID, statement_id: UUID) -> None:
    named = uuid5(institution, f"statement:{statement_id}")
    assert originator_of(institution, statement_id) == named
    assert originator_of(institution, str(statement_id)) == named
    assert named.version == 5


def test_the_same_id_of_another_institution_is_another_stream() -> None:
    statement_id = uuid4()
    assert originator_of(uuid4(), statement_id) != originator_of(uuid4(), statement_id)
