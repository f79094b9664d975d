"""What the events of a closure come to, however far it got."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from domain.closure import (
    Closure,
    ClosureCertified,
    ClosureFenced,
    ClosureRequested,
    ClosureVerified,
    HoldingPurged,
    closure_id,
)
from domain.events import Event
from domain.institutions import INSTANCE
from domain.workflow import Step

GONE = uuid4()
START = datetime(2026, 3, 4, tzinfo=UTC)
STORES = ["keys", "rows"]


def at(kind: type[Event], version: int, **more: Any) -> Event:
    return kind(
        originator_id=closure_id(GONE),
        originator_version=version,
        institution=INSTANCE,
        at=START + timedelta(seconds=version),
        **more,
    )


EVENTS = [
    at(ClosureRequested, 1, erased=GONE, by="host", basis="contract"),
    at(ClosureFenced, 2, erased=GONE, found={"keys": 3, "rows": 5}),
    at(HoldingPurged, 3, store="keys", rows=3),
    at(HoldingPurged, 4, store="rows", rows=4),
    at(HoldingPurged, 5, store="rows", rows=2),  # something had come back
    at(ClosureVerified, 6, position=99, events=7),
    at(ClosureCertified, 7, receipt={"payload": {}}),
]


def test_where_it_goes_on() -> None:
    steps = [Closure.fold(EVENTS[:n]).next(STORES) for n in range(1, len(EVENTS) + 1)]  # type: ignore[union-attr]
    assert steps == [
        Step.FENCE,
        Step.PURGE,
        Step.PURGE,
        Step.VERIFY,
        Step.VERIFY,
        Step.CERTIFY,
        None,
    ]
    states = [Closure.fold(EVENTS[:n]).state for n in range(1, len(EVENTS) + 1)]  # type: ignore[union-attr]
    assert states == ["requested", "fenced", *["purging"] * 3, "verified", "certified"]
    assert Closure.fold([]) is None


def test_a_store_that_a_later_release_knows_is_purged_too() -> None:
    closure = Closure.fold(EVENTS[:5])
    assert closure is not None
    assert closure.next([*STORES, "more"]) is Step.PURGE
    assert closure.unpurged([*STORES, "more"]) == ["more"]


def test_the_certificate_names_nobody() -> None:
    closure = Closure.fold(EVENTS[:6])
    assert closure is not None
    said = closure.certificate(42, START)
    assert said["institution"] == str(GONE)
    assert said["fenced_at_position"] == 42
    assert said["log"] == {"scanned_to": 99, "tombstones": 7}
    assert [(s["store"], s["found"], s["left"]) for s in said["stores"]] == [
        ("keys", 3, 0),
        ("rows", 6, 0),
    ]
    assert "host" not in str(said) and "contract" not in str(said)


def test_events_belong_to_the_deployment() -> None:
    assert {event.sealed_for() for event in EVENTS} == {INSTANCE}
