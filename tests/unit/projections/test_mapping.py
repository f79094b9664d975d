"""What statements of each shape say about learning."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.learning.facts import Fact, Verb
from projections.mapping import Rules, facts
from tests.learning import INSTITUTION, START, ident, identify

COURSE = "http://adlnet.gov/expapi/activities/course"
COMPETENCY = "https://w3id.org/xapi/tla/activity-types/competency"
ADL = "http://adlnet.gov/expapi/verbs/"
VIDEO = "https://w3id.org/xapi/video/extensions/"


def activity(iri: str, kind: str | None = None, **definition: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"id": iri}
    if kind:
        definition["type"] = kind
    return {**made, "definition": definition} if definition else made


def read(rules: Rules | None = None, verb: str = f"{ADL}experienced", **parts: Any) -> Fact | None:
    statement = {
        "id": "fd41c918-b88b-4b20-a0a5-a4c32391aaa0",
        "actor": {"mbox": "mailto:amina@example.org"},
        "verb": {"id": verb},
        "object": activity("https://e.org/a"),
        **parts,
    }
    return facts(
        statement,
        identify,
        institution=INSTITUTION,
        learner=ident("amina"),
        position=7,
        at=START,
        rules=rules or Rules(),
    )


def said(**parts: Any) -> Fact:
    found = read(**parts)
    assert found is not None
    return found


def around(**relations: Any) -> dict[str, Any]:
    return {"contextActivities": relations}


def course(iri: str) -> object:
    return identify("activity", iri)


def test_the_parent_course_goes_before_the_grouping() -> None:
    context = around(
        parent=[activity("https://e.org/module"), activity("https://e.org/1", COURSE)],
        grouping=[activity("https://e.org/2", COURSE)],
    )
    assert said(context=context).course == course("https://e.org/1")


def test_a_grouping_or_the_object_may_be_the_course() -> None:
    grouping = around(grouping=activity("https://e.org/2", COURSE))
    assert said(context=grouping).course == course("https://e.org/2")
    itself = said(object=activity("https://e.org/3", COURSE))
    assert itself.course == course("https://e.org/3")
    assert itself.about_course


def test_a_category_is_no_course() -> None:
    context = around(category=[activity("https://e.org/profile", COURSE)])
    assert said(context=context).course == identify("course", "unassigned")


def test_the_longest_prefix_wins_and_the_rest_is_unassigned() -> None:
    rules = Rules(course_prefixes=("https://e.org/", "https://e.org/c/"))
    inside = activity("https://e.org/c/quiz")
    assert said(rules=rules, object=inside).course == course("https://e.org/c/")
    elsewhere = said(rules=rules, object=activity("https://other.org/a"))
    assert elsewhere.course == identify("course", "unassigned")


def test_competencies_come_from_the_grouping_unless_an_alignment_says_otherwise() -> None:
    context = around(grouping=[activity("https://e.org/k", COMPETENCY)])
    assert said(context=context).competencies == (course("https://e.org/k"),)
    rules = Rules(alignments={"https://e.org/a": ("https://e.org/k2",)})
    assert said(rules=rules, context=context).competencies == (course("https://e.org/k2"),)


@pytest.mark.parametrize(
    ("verb", "result", "passed", "credit"),
    [
        (f"{ADL}answered", {"success": True}, True, 1.0),
        (f"{ADL}answered", {"success": False, "score": {"scaled": 0.9}}, False, 0.0),
        (f"{ADL}scored", {"score": {"scaled": 0.6}}, True, 0.6),
        (f"{ADL}scored", {"score": {"raw": 2, "min": 0, "max": 10}}, False, 0.2),
        (f"{ADL}passed", {}, True, 1.0),
        (f"{ADL}failed", {}, False, 0.0),
        (f"{ADL}completed", {}, None, None),
        (f"{ADL}completed", {"score": {"scaled": -0.5}}, False, 0.0),
        (f"{ADL}experienced", {"success": True}, None, None),
        (f"{ADL}attempted", {"success": True}, None, None),
    ],
)
def test_evidence(verb: str, result: dict[str, Any], passed: object, credit: object) -> None:
    found = said(verb=verb, result=result)
    assert (found.passed, found.credit) == (passed, credit)


def test_an_attempted_question_is_evidence() -> None:
    question = activity("https://e.org/q", f"{ADL[:-6]}activities/cmi.interaction")
    found = said(verb=f"{ADL}attempted", object=question, result={"success": True})
    assert (found.verb, found.credit) == (Verb.EVIDENCED, 1.0)


def test_the_mastery_score_of_the_context_is_the_cut() -> None:
    extensions = {"https://w3id.org/xapi/cmi5/context/extensions/masteryscore": 0.9}
    result = {"score": {"scaled": 0.8}}
    assert said(verb=f"{ADL}scored", result=result).passed is True
    strict = said(verb=f"{ADL}scored", result=result, context={"extensions": extensions})
    assert strict.passed is False


def test_completion_may_be_taken_back() -> None:
    assert said(verb=f"{ADL}completed").completion is True
    assert said(verb=f"{ADL}completed", result={"completion": False}).completion is False
    assert said(result={"completion": False}).completion is False
    assert said().completion is None


def test_video() -> None:
    result = {
        "extensions": {
            f"{VIDEO}progress": 0.472,
            f"{VIDEO}played-segments": "0[.]42.608[,]43.168[.]124.692[,]176.4",
        }
    }
    found = said(result=result, context={"extensions": {f"{VIDEO}length": 263.24}})
    assert found.segments == (0.0, 42.608, 43.168, 124.692)
    assert (found.progress, found.length) == (0.472, 263.24)


@pytest.mark.parametrize("text", ["", "[.]", "5[.]2", "1[.]x", "NaN[.]9", "1.2.3[.]9", 7])
def test_senseless_segments_say_nothing(text: object) -> None:
    assert said(result={"extensions": {f"{VIDEO}played-segments": text}}).segments == ()


def test_progress_in_percent_is_of_cmi5() -> None:
    name = "https://w3id.org/xapi/cmi5/result/extensions/progress"
    assert said(result={"extensions": {name: 40}}).progress == 0.4
    assert said(result={"extensions": {name: 4000}}).progress == 1.0
    assert said(result={"extensions": {name: "40"}}).progress is None


def test_a_definition_announces_weight_and_due_date() -> None:
    extensions = {"https://e.org/ext/due": "2026-10-01T00:00:00Z", "https://e.org/ext/weight": 20}
    found = said(object=activity("https://e.org/a", extensions=extensions))
    assert (found.weight, found.due) == (20.0, datetime(2026, 10, 1, tzinfo=UTC))
    vague = said(object=activity("https://e.org/a", extensions={"https://e.org/ext/due": "soon"}))
    assert vague.due is None


def test_times() -> None:
    assert said().at == START
    there = said(timestamp="2026-09-01T10:00:00+02:00", result={"duration": "PT1M30S"})
    assert (there.at, there.seconds) == (START, 90.0)


def test_an_object_that_is_no_activity_still_counts_in_its_course() -> None:
    context = around(parent=[activity("https://e.org/1", COURSE)])
    agent = {"objectType": "Agent", "mbox": "mailto:b@example.org"}
    found = said(object=agent, context=context)
    assert (found.course, found.activity) == (course("https://e.org/1"), None)


def test_voiding_and_groups_say_nothing_of_a_learner() -> None:
    target = {"objectType": "StatementRef", "id": "fd41c918-b88b-4b20-a0a5-a4c32391aaa1"}
    assert read(verb=f"{ADL}voided", object=target) is None
    assert read(actor={"objectType": "Group", "mbox": "mailto:g@example.org"}) is None
