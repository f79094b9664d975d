"""What may change in a statement without making it another, and what may not."""

import copy
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.statements.equality import canonical, same
from domain.statements.formats import render
from domain.values.timestamp import parse, to_utc
from domain.values.version import Version
from tests.property.test_people import objects
from tests.strategies.statements import activities, agents, attachments, statements, substatements
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


@given(statement=any_statement, data=st.data())
def test_what_an_lrs_assigns_is_left_out(statement: Json, data: st.DataObject) -> None:
    moments = timestamps(Version.V2_0_0)
    values = {
        "id": uuids,
        "authority": agents(),
        "stored": moments,
        "timestamp": moments,
        "version": st.just("1.0.0"),
        "attachments": st.lists(attachments(), max_size=2),
    }
    assigned = {**statement, **data.draw(st.fixed_dictionaries({}, optional=values))}
    bare = {name: value for name, value in statement.items() if name not in values}
    assert same(assigned, statement)
    assert same(bare, statement)


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


@given(statement=substatements(Version.V2_0_0), data=st.data())
def test_timestamps_of_substatements_are_instants(statement: Json, data: st.DataObject) -> None:
    def cut(text: str) -> object:
        moment = parse(text)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    one = data.draw(timestamps(Version.V2_0_0))
    other = data.draw(timestamps(Version.V2_0_0) | st.just(to_utc(one)))
    told = {"actor": statement["actor"], "verb": statement["verb"]}
    left, right = ({**told, "object": {**statement, "timestamp": text}} for text in (one, other))
    assert same(left, right) == (cut(one) == cut(other))


@pytest.mark.parametrize("part", ["actor", "object", "verb", "result"])
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
        result = statement.get("result", {})
        other["result"] = {**result, "response": result.get("response", "") + "."}
    assert canonical(other) != canonical(statement)
    assert not same(other, statement)
