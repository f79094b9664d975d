"""The order of an erasure's steps, and what its certificate says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.erasure import (
    Erasure,
    ErasureCertified,
    ErasureFenced,
    ErasureRequested,
    ErasureScoped,
    ErasureVerified,
    StorePurged,
    erasure_id,
)
from domain.events import Event
from domain.workflow import Step

INSTITUTION, PERSON, GROUP = uuid4(), uuid4(), uuid4()
STORES = ["keys", "views"]
START = datetime(2026, 3, 1, tzinfo=UTC)


def events() -> list[Event]:
    """All events of an erasure whose views had to be purged twice."""
    made: list[Event] = []

    def add(kind: type[Event], **fields: Any) -> None:
        made.append(
            kind(
                originator_id=erasure_id(INSTITUTION, PERSON),
                originator_version=len(made) + 1,
                institution=INSTITUTION,
                at=START + timedelta(minutes=len(made)),
                **fields,
            )
        )

    add(ErasureRequested, pseudonym=PERSON, by="officer", basis="a secret reason")
    add(ErasureFenced, pseudonym=PERSON)
    add(ErasureFenced, pseudonym=GROUP, members=(PERSON,))
    add(ErasureScoped, found={"keys": 2, "views": 1})
    add(StorePurged, store="keys", rows=2)
    add(StorePurged, store="views", rows=1)
    add(StorePurged, store="views", rows=3)
    add(ErasureVerified, stores=tuple(STORES))
    add(ErasureCertified, receipt={"payload": {}})
    return made


def folded(count: int) -> Erasure:
    erasure = Erasure.fold(events()[:count])
    assert erasure is not None
    return erasure


def test_each_event_leads_to_the_next_step() -> None:
    steps = [folded(count).next(STORES) for count in range(1, 10)]
    assert steps == [
        Step.FENCE,
        Step.SCOPE,
        Step.SCOPE,
        Step.PURGE,
        Step.PURGE,
        Step.VERIFY,
        Step.VERIFY,
        Step.CERTIFY,
        None,
    ]
    assert [folded(count).state for count in (1, 3, 5, 8, 9)] == [
        "requested",
        "fenced",
        "purging",
        "verified",
        "certified",
    ]


def test_nothing_is_no_erasure_and_a_pseudonym_has_one() -> None:
    assert Erasure.fold([]) is None
    assert erasure_id(INSTITUTION, PERSON) != erasure_id(uuid4(), PERSON)
    assert folded(9).version == 9
    assert folded(9).pseudonyms == (PERSON, GROUP)


def test_the_certificate_counts_and_names_no_one() -> None:
    said = folded(8).certificate(41, START)
    assert [(s["store"], s["found"], s["left"]) for s in said["stores"]] == [
        ("keys", 2, 0),
        ("views", 4, 0),
    ]
    assert said["fenced"] == "2026-03-01T00:01:00.000Z"
    assert said["stores"][1]["purged"] == "2026-03-01T00:05:00.000Z"
    for secret in (PERSON, GROUP, "officer", "secret"):
        assert str(secret) not in str(said)
    assert UUID(said["erasure"]) == erasure_id(INSTITUTION, PERSON)
