"""The three forms of a statement."""

from domain.statements.formats import FORMATS, render
from tests.unit.domain.statements.samples import activity, agent, full, group, nested, plain

COURSE = "https://example.org/activity/1"


def test_exact_changes_nothing_but_lists_and_zones() -> None:
    expected = full()
    expected["context"]["contextActivities"]["parent"] = [activity("2")]
    given = {**full(), "timestamp": "2024-09-02T10:00:00.123+02:00"}
    assert render(given, "exact") == expected
    assert render(plain(), "exact") == plain()


def test_exact_lists_context_activities_of_a_substatement_too() -> None:
    returned = render(nested(), "exact")["object"]["context"]["contextActivities"]
    assert returned["parent"] == [activity("2")]


def test_a_time_without_a_zone_stays_so() -> None:
    given = {**plain(), "timestamp": "2024-09-02T10:00:00"}
    assert render(given, "exact") == given


def test_ids_keep_what_identifies() -> None:
    returned = render(full(), "ids")
    assert returned["actor"] == group("ann", "ben")
    assert returned["verb"] == {"id": full()["verb"]["id"]}
    assert returned["object"] == {"id": COURSE}
    context = returned["context"]
    assert context["instructor"] == agent("cai")
    assert context["contextActivities"]["grouping"] == [
        {"id": activity("3")["id"]},
        {"id": activity("4")["id"]},
    ]
    assert returned["result"] == full()["result"]


def test_ids_of_an_identified_group_need_no_members() -> None:
    team = {**group("ann"), "name": "Team", "mbox": "mailto:team@example.org"}
    returned = render({**plain(), "actor": team}, "ids")
    assert returned["actor"] == {"objectType": "Group", "mbox": "mailto:team@example.org"}


def test_ids_reach_into_a_substatement_and_new_contexts() -> None:
    statement = nested()
    entry = {"objectType": "contextAgent", "agent": {**agent(), "name": "Ann"}}
    statement["object"]["context"]["contextAgents"] = [entry]
    inner = render(statement, "ids")["object"]
    assert inner["object"] == {"id": COURSE}
    assert inner["context"]["contextAgents"] == [{**entry, "agent": agent()}]


def test_canonical_gives_one_language_to_each_map() -> None:
    returned = render(full(), "canonical", ["fr", "en"])
    definition = returned["object"]["definition"]
    assert definition["description"] == {"fr": "Une question"}
    assert definition["name"] == {"en": "Question"}
    assert definition["choices"][0]["description"] == {"en": "A"}
    assert returned["verb"]["display"] == {"en-US": "answered"}
    assert returned["actor"] == full()["actor"]
    assert returned["attachments"] == full()["attachments"]


def test_canonical_prefers_what_the_lrs_holds() -> None:
    returned = render(
        full(),
        "canonical",
        ["sw"],
        definitions={COURSE: {"name": {"en": "One", "sw": "Moja"}}},
        displays={full()["verb"]["id"]: {"sw": "alijibu", "en": "answered"}},
    )
    assert returned["object"]["definition"] == {"name": {"sw": "Moja"}}
    assert returned["verb"]["display"] == {"sw": "alijibu"}


def test_what_was_given_stays_as_it_was() -> None:
    for form in FORMATS:
        given = nested()
        render(given, form, ["fr"])
        assert given == nested()
