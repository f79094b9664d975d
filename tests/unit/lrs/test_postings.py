"""Postings: once for each person and activity; found by the narrow filter, or only the wide one."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.people import Role
from domain.statements.events import PersonRef, StatementStored
from lrs.keys.blind_index import BlindIndex
from lrs.keys.file import KeyFile
from lrs.postings import sought, terms_of

INSTITUTION = uuid4()
ADA, GRACE, SENDER, STRANGER = (uuid4() for _ in range(4))
ITEM, COURSE, OTHER = (f"https://lms.example.org/{name}" for name in ("item", "course", "other"))
PASSED = "http://adlnet.gov/expapi/verbs/passed"
REGISTRATION = uuid4()


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> BlindIndex:
    folder: Path = tmp_path_factory.mktemp("keys")
    return BlindIndex(KeyFile(folder / "kek.json"))


def event(people: list[tuple[Role, UUID]], parents: list[str]) -> StatementStored:
    return StatementStored.trusted(
        originator_id=uuid4(),
        originator_version=1,
        institution=INSTITUTION,
        at=None,
        statement={
            "verb": {"id": PASSED},
            "object": {"id": ITEM},
            "context": {
                "registration": str(REGISTRATION).upper(),
                "contextActivities": {"parent": [{"id": iri} for iri in parents]},
            },
        },
        xapi_version="2.0.0",
        owner=people[0][1],
        people=tuple(PersonRef("", role, pseudonym) for role, pseudonym in people),
        deviations=(),
    )


def found(blind: BlindIndex, stored: StatementStored, **filters: Any) -> bool:
    terms = set(terms_of(blind, stored))
    return all(terms & set(either) for either in sought(blind, INSTITUTION, **filters))


def test_each_person_and_activity_is_posted_once(blind: BlindIndex) -> None:
    stored = event(
        [
            *((Role.ACTOR, ADA), (Role.INSTRUCTOR, ADA), (Role.INSTRUCTOR, GRACE)),
            *((Role.TEAM_MEMBER, GRACE), (Role.AUTHORITY, SENDER)),
        ],
        [COURSE, ITEM, COURSE],
    )
    terms = terms_of(blind, stored)
    # All, verb, registration, three persons, two activities.
    assert len(terms) == len(set(terms)) == 8


@pytest.mark.parametrize(
    ("filters", "narrow", "wide"),
    [
        ({"person": ADA}, True, True),
        ({"person": GRACE}, False, True),
        ({"person": SENDER}, False, True),
        ({"person": STRANGER}, False, False),
        ({"activity": ITEM}, True, True),
        ({"activity": COURSE}, False, True),
        ({"activity": OTHER}, False, False),
        ({"registration": REGISTRATION, "verb": PASSED}, True, True),
        ({"verb": f"{PASSED}?"}, False, False),
        ({}, True, True),
    ],
)
def test_who_is_found_by_which_filter(
    blind: BlindIndex, filters: dict[str, Any], narrow: bool, wide: bool
) -> None:
    people = [(Role.ACTOR, ADA), (Role.INSTRUCTOR, GRACE), (Role.AUTHORITY, SENDER)]
    for order in (people, people[::-1]):
        stored = event(order, [COURSE, ITEM])
        assert found(blind, stored, **filters) is narrow
        related = {"related_agents": True, "related_activities": True}
        assert found(blind, stored, **filters, **related) is wide


def test_institutions_have_no_term_in_common(blind: BlindIndex) -> None:
    terms = set(terms_of(blind, event([(Role.ACTOR, ADA)], [COURSE])))
    elsewhere = sought(blind, uuid4(), person=ADA, activity=ITEM, verb=PASSED)
    assert not terms & {term for either in elsewhere for term in either}
