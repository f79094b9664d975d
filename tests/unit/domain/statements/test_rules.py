"""Rule by rule: a change to a valid statement, and what is refused, where, and why."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.statements.rules import validate, validate_actor
from domain.values.version import Version
from tests.unit.domain.statements.samples import (
    REFERENCE,
    VOIDED,
    Absent,
    activity,
    agent,
    attachment,
    changed,
    full,
    group,
    nested,
    plain,
)

BOTH = list(Version)
IRI = "https://example.org/x"
SIGNATURE = {**attachment(), "usageType": "http://adlnet.gov/expapi/attachments/signature"}
COMPONENTS = [{"id": "a"}, {"id": "b"}, {"id": "a"}]
SUB = {"objectType": "SubStatement", **plain()}

# pointer of the change, new value, pointer of the refusal ("=" for the same), rule, 1.0.3 section
REFUSED: list[tuple[str, Any, str, str, str]] = [
    # formatting (2.2)
    ("/result", None, "=", "null", "2.2"),
    ("/verb/display/en-US", None, "=", "null", "2.2"),
    ("/object/objectType", None, "=", "null", "2.2"),
    ("/Actor", {}, "=", "unknown", "2.2"),
    ("/verb/a~1b~0", 1, "=", "unknown", "2.2"),
    ("/result/score/scaled", "0.5", "=", "type", "2.4.5.1"),
    ("/result/score/scaled", True, "=", "type", "2.4.5.1"),
    ("/result/success", "true", "=", "type", "2.4.5"),
    ("/result/success", 1, "=", "type", "2.4.5"),
    ("/actor", Absent, "=", "required", "2.4.2"),
    ("/verb", Absent, "=", "required", "2.4.3"),
    ("/object", Absent, "=", "required", "2.4.4"),
    ("/object", "https://example.org", "=", "type", "2.4.4"),
    # id, version, timestamps
    ("/id", "AA97B177-9383-4934-8543-0F91A7A028368", "=", "uuid", "2.4.1"),
    ("/id", "7c2d2b5e6f0a4a639d0a1b6c1f7a9a01", "=", "uuid", "2.4.1"),
    ("/id", "7c2d2b5e-6f0a-4a63-9d0a-1b6c1f7a9a01\n", "=", "uuid", "2.4.1"),
    ("/version", "0.9.9", "=", "version", "2.4.10"),
    ("/version", "1.1.0", "=", "version", "2.4.10"),
    ("/version", "1.0.x", "=", "version", "2.4.10"),
    ("/version", 1.0, "=", "type", "2.4.10"),
    ("/timestamp", "2008-09-15T15:53:00.601-00:00", "=", "timestamp", "2.4.7"),
    ("/timestamp", "2008-02-30T15:53:00Z", "=", "timestamp", "2.4.7"),
    ("/stored", "yesterday", "=", "timestamp", "2.4.8"),
    # actors (2.4.2)
    ("/actor/objectType", "group", "=", "enumeration", "2.4.2"),
    ("/actor/member", Absent, "=", "required", "2.4.2.2"),
    ("/actor/member/0", group("zoe"), "/actor/member/0/objectType", "enumeration", "2.4.2.2"),
    ("/actor/member/1", {"name": "Ben"}, "/actor/member/1", "one-identifier", "2.4.2.3"),
    ("/actor", {"name": "Ann"}, "=", "one-identifier", "2.4.2.3"),
    ("/actor/member/0/openid", "https://a.b", "/actor/member/0", "one-identifier", "2.4.2.3"),
    ("/actor/mbox", "ann@example.org", "=", "mbox", "2.4.2.3"),
    ("/actor/mbox", "mailto:ann", "=", "mbox", "2.4.2.3"),
    ("/actor/mbox_sha1sum", "0123", "=", "sha1", "2.4.2.3"),
    ("/actor/openid", "ab=c://should.fail.com", "=", "uri", "2.4.2.3"),
    ("/authority/account/homePage", "example.org", "=", "iri", "2.4.2.4"),
    ("/authority/account/homePage", Absent, "=", "required", "2.4.2.4"),
    ("/authority/account/name", 5, "=", "type", "2.4.2.4"),
    ("/authority/account/key", "x", "=", "unknown", "2.2"),
    # authority (2.4.9)
    ("/authority", group("ann"), "=", "authority-group", "2.4.9"),
    ("/authority", group("a", "b", "c"), "=", "authority-group", "2.4.9"),
    ("/authority", group("a", "b") | {"mbox": "mailto:a@b.c"}, "=", "authority-group", "2.4.9"),
    # verb, languages
    ("/verb/id", Absent, "=", "required", "2.4.3"),
    ("/verb/id", "read", "=", "iri", "2.4.3"),
    ("/verb/display", {"a12345": "x"}, "/verb/display/a12345", "language-tag", "4.2"),
    ("/verb/display", {"en": 1}, "/verb/display/en", "type", "4.2"),
    # objects (2.4.4)
    ("/object/id", "b7a1-bare-uuid", "=", "iri", "2.4.4"),
    ("/object/objectType", "activity", "=", "enumeration", "2.4.4"),
    ("/object/definition/type", "course", "=", "iri", "2.4.4.1"),
    ("/object/definition/name", "Question", "=", "type", "2.4.4.1"),
    ("/object/definition/moreInfo", "", "=", "iri", "2.4.4.1"),
    ("/object/definition/interactionType", "Choice", "=", "enumeration", "2.4.4.1"),
    ("/object/definition/interactionType", Absent, "=", "required", "2.4.4.1"),
    ("/object/definition/choices", COMPONENTS, "/object/definition/choices/2/id", "distinct",
     "2.4.4.1"),
    ("/object/definition/choices/0/id", Absent, "=", "required", "2.4.4.1"),
    ("/object/definition/extensions", {"no scheme": 1},
     "/object/definition/extensions/no scheme", "iri", "4.1"),
    ("/object", {**agent(), "objectType": "Person"}, "/object/objectType", "enumeration", "2.4.4"),
    ("/object", {"mbox": "mailto:a@b.c"}, "/object/id", "required", "2.4.4"),
    ("/object", {"objectType": "StatementRef", "id": "1"}, "/object/id", "uuid", "2.4.4"),
    ("/object", {**REFERENCE, "name": "x"}, "/object/name", "unknown", "2.2"),
    ("/verb", VOIDED, "/object/objectType", "voiding-reference", "2.3.2"),
    # result (2.4.5)
    ("/result/score/scaled", 1.0001, "=", "range", "2.4.5.1"),
    ("/result/score/scaled", -1.0001, "=", "range", "2.4.5.1"),
    ("/result/score/raw", 10.5, "=", "range", "2.4.5.1"),
    ("/result/score/raw", -1, "=", "range", "2.4.5.1"),
    ("/result/score/min", 10, "/result/score/max", "range", "2.4.5.1"),
    ("/result/duration", "P4W1D", "=", "duration", "4.6"),
    ("/result/duration", "PA1H0M0S", "=", "duration", "4.6"),
    ("/result/duration", "P0001-00-00T00:00:01", "=", "duration", "4.6"),
    ("/result/extensions/key", 1, "=", "iri", "4.1"),
    # context (2.4.6)
    ("/context/registration", "1234", "=", "uuid", "2.4.6"),
    ("/context/team", agent(), "/context/team/objectType", "enumeration", "2.4.2.2"),
    ("/context/language", "e", "=", "language-tag", "2.4.6"),
    ("/context/statement/objectType", Absent, "=", "required", "2.4.6"),
    ("/context/contextActivities/children", [], "=", "unknown", "2.2"),
    ("/context/contextActivities/other/0", {"id": "x"}, "/context/contextActivities/other/0/id",
     "iri", "2.4.6.2"),
    ("/context/contextActivities/other/0", agent(),
     "/context/contextActivities/other/0/objectType", "enumeration", "2.4.6.2"),
    ("/context/contextActivities/parent/definition", {"steps": COMPONENTS},
     "/context/contextActivities/parent/definition/interactionType", "required", "2.4.4.1"),
    ("/object", agent(), "/context/revision", "activity-only", "2.4.6"),
    # attachments (2.4.11)
    ("/attachments", attachment(), "=", "type", "2.4.11"),
    ("/attachments/0", "essay", "=", "type", "2.4.11"),
    ("/attachments/0/display", Absent, "=", "required", "4.2"),
    ("/attachments/0/length", "27", "=", "type", "2.4.11"),
    ("/attachments/0/length", -1, "=", "range", "2.4.11"),
    ("/attachments/0/sha2", "xyz", "=", "sha2", "2.4.11"),
    ("/attachments/0/contentType", "text", "=", "media-type", "2.4.11"),
    ("/attachments/0/fileUrl", "file.txt", "=", "iri", "2.4.11"),
    ("/attachments/0", SIGNATURE, "/attachments/0/contentType", "signature-type", "2.6"),
]  # fmt: skip

# Properties that a SubStatement does not have, and which therefore cannot be wrong in it.
_NOT_INSIDE = ("/id", "/version", "/stored", "/authority")


def refusal(statement: object, version: Version) -> Invalid:
    """Returns what is refused in `statement`."""
    with pytest.raises(Invalid) as caught:
        validate(statement, version)
    return caught.value


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("at", "value", "pointer", "rule", "section"), REFUSED)
def test_refused(
    at: str, value: object, pointer: str, rule: str, section: str, version: Version
) -> None:
    error = refusal(changed(full(), at, value), version)
    assert (error.pointer, error.rule) == (at if pointer == "=" else pointer, rule)
    if version is Version.V1_0_3:
        assert error.section == f"1.0.3 Data {section}"
    else:
        assert error.section.startswith("2.0.0 4.2.")


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(
    ("at", "value", "pointer", "rule", "section"),
    [row for row in REFUSED if not row[0].startswith(_NOT_INSIDE)],
)
def test_refused_in_a_substatement_too(
    at: str, value: object, pointer: str, rule: str, section: str, version: Version
) -> None:
    error = refusal(changed(nested(), f"/object{at}", value), version)
    assert error.pointer == f"/object{at if pointer == '=' else pointer}"


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("name", ["id", "stored", "version", "authority"])
def test_a_substatement_has_nothing_that_an_lrs_assigns(name: str, version: Version) -> None:
    error = refusal(changed(nested(), f"/object/{name}", full()[name]), version)
    assert (error.pointer, error.rule) == (f"/object/{name}", "unknown")


@pytest.mark.parametrize("version", BOTH)
def test_a_substatement_contains_no_other(version: Version) -> None:
    error = refusal(changed(nested(), "/object/object", SUB), version)
    assert (error.pointer, error.rule) == ("/object/object/objectType", "enumeration")


ACCEPTED: list[tuple[str, Any]] = [
    ("/version", "1.0"),
    ("/version", "1.0.9"),
    ("/id", "AA97B177-9383-4934-8543-0F91A7A02836"),
    ("/id", "12345678-1234-5678-1234-567812345678"),
    ("/actor", {"objectType": "Group", "mbox": "mailto:team@example.org"}),
    ("/actor", {"account": {"homePage": "http://例え.jp/", "name": ""}}),
    ("/authority", group("app", "user")),
    ("/verb/display", {}),
    ("/result/score", {"scaled": -1, "raw": 1e9}),
    ("/result/score/raw", 0),
    ("/result/duration", "P4W"),
    ("/result/duration", "P1DT12H36M0.12567S"),
    ("/result/extensions", {}),
    ("/result/response", ""),
    ("/context", {}),
    ("/context/contextActivities", {}),
    ("/object/definition", {}),
    ("/object/definition/correctResponsesPattern", []),
    ("/object/definition/interactionType", "other"),
    ("/timestamp", "2999-01-01T00:00:00+05:30"),
    ("/attachments", []),
    ("/attachments/0", SIGNATURE | {"contentType": "application/octet-stream"}),
]


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize(("at", "value"), ACCEPTED)
def test_accepted(at: str, value: object, version: Version) -> None:
    validate(changed(full(), at, value), version)


@pytest.mark.parametrize("version", BOTH)
@pytest.mark.parametrize("make", [plain, full, nested])
def test_samples_are_valid(make: Any, version: Version) -> None:
    validate(make(), version)


@pytest.mark.parametrize("value", [None, [], "x", 5])
def test_a_statement_is_an_object(value: object) -> None:
    assert refusal(value, Version.V1_0_3).pointer == ""


def test_a_statement_may_void_a_reference() -> None:
    validate({"actor": agent(), "verb": VOIDED, "object": REFERENCE}, Version.V2_0_0)


# What the versions differ in.
NEW: list[tuple[str, Any, str, str]] = [
    ("/context/contextAgents", [{"objectType": "contextAgent", "agent": agent()}], "", ""),
    ("/context/contextGroups", [{"objectType": "contextGroup", "group": group("a")}], "", ""),
    ("/context/contextAgents", [{"objectType": "contextAgent", "agent": agent(),
                                 "relevantTypes": [IRI]}], "", ""),
    ("/context/contextAgents", [{"objectType": "agent", "agent": agent()}],
     "/0/objectType", "enumeration"),
    ("/context/contextAgents", [{"objectType": "contextAgent", "agent": {}}],
     "/0/agent", "one-identifier"),
    ("/context/contextAgents", [{"objectType": "contextAgent"}], "/0/agent", "required"),
    ("/context/contextAgents", [{"objectType": "contextAgent", "agent": agent(),
                                 "relevantTypes": []}], "/0/relevantTypes", "empty"),
    ("/context/contextAgents", [{"objectType": "contextAgent", "agent": agent(),
                                 "relevantTypes": [IRI, "abc"]}], "/0/relevantTypes/1", "iri"),
    ("/context/contextGroups", [{"objectType": "contextGroup", "group": agent()}],
     "/0/group/objectType", "enumeration"),
    ("/context/contextGroups", [{"objectType": "contextGroup", "group": group("a"),
                                 "member": []}], "/0/member", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "value", "pointer", "rule"), NEW)
def test_context_agents_and_groups_are_new_in_2_0_0(
    at: str, value: object, pointer: str, rule: str
) -> None:
    if rule:
        error = refusal(changed(full(), at, value), Version.V2_0_0)
        assert (error.pointer, error.rule) == (at + pointer, rule)
    else:
        validate(changed(full(), at, value), Version.V2_0_0)
    old = refusal(changed(full(), at, value), Version.V1_0_3)
    assert (old.pointer, old.rule) == (at, "unknown")


def test_a_statement_made_for_2_0_0_is_for_2_0_0_only() -> None:
    statement = changed(full(), "/version", "2.0.0")
    validate(statement, Version.V2_0_0)
    assert refusal(statement, Version.V1_0_3).rule == "version"


@pytest.mark.parametrize(
    "text", ["2008-09-15T15:53:00", "20080915T155300Z", "2008-09-15T15:53Z", "2008-W38-1T15:53:00Z"]
)
def test_timestamps_other_than_rfc_3339_are_for_1_0_3_only(text: str) -> None:
    validate(changed(full(), "/timestamp", text), Version.V1_0_3)
    assert refusal(changed(full(), "/timestamp", text), Version.V2_0_0).rule == "timestamp"


def test_an_actor_alone_is_judged_alike() -> None:
    validate_actor(agent(), Version.V1_0_3)
    validate_actor(group("a"), Version.V2_0_0)
    for wrong in (None, {}, activity(), [agent()], {"objectType": "Group"}):
        with pytest.raises(Invalid):
            validate_actor(wrong, Version.V1_0_3)
