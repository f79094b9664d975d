"""What may change in a statement without making it another, and what may not."""

import copy
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.statements.equality import canonical, same, unsigned
from domain.statements.formats import render
from domain.values.timestamp import parse
from domain.values.version import Version
from tests.property.test_people import objects
from tests.strategies.statements import activities, agents, attachments, statements
from tests.strategies.values import Json, language_maps, timestamps, uuids

any_statement = statements(Version.V1_0_3) | statements(Version.V2_0_0)


@given(statement=any_statement, seed=st.integers())
def test_the_order_of_properties_and_members_means_nothing(statement: Json, seed: int) -> None:
    chance = random.Random(seed)

    def shuffled(value: object, name: str = "") -> object:
        if isinstance(value, dict):
            items = [(key, shuffled(inner, key)) for key, inner in value.items()]
            chance.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            inner = [shuffled(one) for one in value]
            if name == "member":
                chance.shuffle(inner)
            return inner
        return value

    assume("extensions" not in str(statement))  # whose arrays may be called member too
    assert canonical(shuffled(statement)) == canonical(statement)  # type: ignore[arg-type]


@given(statement=any_statement, agent=agents(), stored=timestamps(Version.V2_0_0))
def test_what_an_lrs_assigns_is_left_out(statement: Json, agent: Json, stored: str) -> None:
    assigned = {**statement, "authority": agent, "stored": stored, "version": "1.0.0"}
    assert canonical(assigned) == canonical(statement)


@given(statement=any_statement, texts=language_maps)
def test_displays_and_definitions_are_no_part_of_it(statement: Json, texts: Json) -> None:
    other = copy.deepcopy(statement)
    other["verb"]["display"] = texts
    for where, one in objects(other):
        if "/contextActivities/" in where and "id" in one and "/definition" not in where:
            one["definition"] = {"name": texts}
    assert canonical(other) == canonical(statement)


@given(statement=any_statement)
def test_what_is_returned_is_what_was_sent(statement: Json) -> None:
    before = copy.deepcopy(statement)
    returned = render(statement, "exact")
    assert canonical(returned) == canonical(statement)
    assert canonical(render(statement, "canonical", ["en"])) == canonical(statement)
    assert statement == before


@given(statement=any_statement, new=uuids, moment=timestamps(Version.V2_0_0))
def test_an_assigned_id_or_timestamp_is_forgiven(statement: Json, new: str, moment: str) -> None:
    bare = {key: value for key, value in statement.items() if key not in ("id", "timestamp")}
    assert same(bare, statement)
    assert same({**bare, "id": new, "timestamp": moment}, bare)
    assert canonical({**bare, "id": new}) != canonical(bare)


@given(one=timestamps(Version.V2_0_0), other=timestamps(Version.V2_0_0), statement=any_statement)
def test_timestamps_are_instants(one: str, other: str, statement: Json) -> None:
    def cut(text: str) -> object:
        moment = parse(text)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    left, right = ({**statement, "timestamp": text} for text in (one, other))
    assert (canonical(left) == canonical(right)) == (cut(one) == cut(other))
    assert same(left, right) == (cut(one) == cut(other))


@pytest.mark.parametrize("part", ["actor", "object", "verb", "attachments"])
@given(data=st.data())
def test_any_other_difference_is_one(part: str, data: st.DataObject) -> None:
    statement = data.draw(statements(Version.V2_0_0))
    other = copy.deepcopy(statement)
    if part == "actor":
        other["actor"]["name"] = statement["actor"].get("name", "") + "."
    elif part == "object":
        other["object"] = data.draw(activities())
        other["object"]["id"] = "https://example.org/another"
    elif part == "verb":
        other["verb"] = {"id": statement["verb"]["id"] + "x"}
    else:
        other["attachments"] = [*statement.get("attachments", []), data.draw(attachments())]
    assert canonical(other) != canonical(statement)
    assert not same(other, statement)


@given(statement=any_statement, attachment=attachments())
def test_a_signature_is_taken_off_again(statement: Json, attachment: Json) -> None:
    assume(statement.get("attachments") != [])
    signature = {**attachment, "usageType": "http://adlnet.gov/expapi/attachments/signature"}
    signed = {**statement, "attachments": [*statement.get("attachments", []), signature]}
    assert unsigned(signed) == statement
