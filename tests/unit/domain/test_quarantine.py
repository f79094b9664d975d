"""What a refusal says is wrong, and whom broken JSON names."""

from typing import Any

import pytest

from domain.errors import Conflict, Erased, Error, Forbidden, Invalid, TooLarge
from domain.quarantine import LONGEST, Fault, Reason, faults, identifiers, reason, statement_id

ID = "0f9a6f86-9dbb-4ab3-8a4e-2f7b3f2a9c11"
BAD = Invalid("/3/actor/mbox", "mbox", "must be mailto:", "2.0.0 4.2")


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (BAD, Reason.INVALID),
        (Conflict("taken"), Reason.CONFLICT),
        (Erased("/actor"), Reason.ERASED),
        (TooLarge("much"), Reason.TOO_LARGE),
        (Forbidden("no"), None),
    ],
)
def test_reasons(refusal: Error, expected: Reason | None) -> None:
    assert reason(refusal) is expected


@pytest.mark.parametrize(
    ("refusal", "content", "places"),
    [
        (BAD, [{}] * 4, [(3, "/actor/mbox")]),
        (Invalid("/actor", "required", ""), {}, [(0, "/actor")]),
        (Invalid("/3", "type", ""), [1] * 4, [(3, "")]),
        (Invalid("", "json", ""), None, [(None, "")]),
        (Invalid("statementId", "uuid", ""), {}, [(None, "statementId")]),
        (Invalid("X-Experience-API-Hash", "sha2", ""), [{}], [(None, "X-Experience-API-Hash")]),
        (Erased("/1/actor"), [{}, {}], [(1, "/actor")]),
        (Conflict("", [ID]), [{"id": "x"}, {"id": ID.upper()}], [(1, "/id")]),
        (Conflict("", [ID]), [{"id": ID}, {"id": ID}], [(0, "/id"), (1, "/id")]),
        (Conflict("stream"), [{}], [(None, "")]),
        (TooLarge("much"), [{}], [(None, "")]),
        (Forbidden("no"), [{}], []),
    ],
)  # fmt: skip
def test_where_the_faults_are(
    refusal: Error, content: object, places: list[tuple[int | None, str]]
) -> None:
    assert [(fault.number, fault.pointer) for fault in faults(refusal, content)] == places


def test_a_long_fault_is_cut() -> None:
    (fault,) = faults(Invalid("/x" * LONGEST, "unknown", "y" * LONGEST * 2), {})
    assert (len(fault.cut().pointer), len(fault.cut().detail)) == (LONGEST, LONGEST)


def test_a_bare_fault_repeats_nothing() -> None:
    assert faults(BAD, [{}] * 4)[0].bare() == Fault(3, "", "mbox", "", "2.0.0 4.2")


@pytest.mark.parametrize(
    ("content", "ifi"),
    [
        ({"actor": {"mbox": "amina@X.example"}}, "mbox:mailto:amina@x.example"),
        ({"actor": {"email": " MAILTO:amina@x.example "}}, "mbox:mailto:amina@x.example"),
        ({"amina@x.example": 1}, "mbox:mailto:amina@x.example"),
        ({"account": {"homePage": "h", "name": 42}}, "account:1:h42"),
        ({"acount": {"homePage": "h", "name": "n"}}, "account:1:hn"),
        ({"sha1": "A" * 40}, "mbox_sha1sum:" + "a" * 40),
        ([{"openid": "x"}], "openid:x"),
    ],
)
def test_broken_agents_are_recognised(content: Any, ifi: str) -> None:
    assert ifi in identifiers(content)


def test_depth_is_no_danger() -> None:
    content: Any = {"mbox": "mailto:a@b"}
    for _ in range(100_000):
        content = [content]
    assert identifiers(content) == {"mbox:mailto:a@b"}


@pytest.mark.parametrize("sent", [None, {}, {"id": 5}, {"id": "amina"}, [ID]])
def test_only_a_uuid_is_an_id(sent: object) -> None:
    assert statement_id(sent) is None
    assert statement_id({"id": ID.upper()}) == ID
