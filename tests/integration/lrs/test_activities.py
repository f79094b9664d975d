"""The catalogue of activities: definitions grow, whoever writes, and are sealed at rest."""

import threading
from uuid import uuid4

from lrs.activities import Activities
from lrs.services import Services

IRI = "https://lms.example.org/course/1"


def named(language: str) -> dict[str, object]:
    return {"id": IRI, "definition": {"name": {language: f"name in {language}"}}}


def test_definitions_grow_by_language(services: Services) -> None:
    institution = uuid4()
    for language in ("en", "fr", "en"):
        services.activities.remember(institution, [named(language)])
    services.activities.remember(institution, [{"id": IRI}])
    identity = services.activities.identify(institution, IRI)
    described = services.activities.describe(institution, [identity])[identity]
    assert described.iri == IRI
    assert described.definition["name"] == {"en": "name in en", "fr": "name in fr"}
    assert described.name(["fr"]) == "name in fr"


def test_writers_that_share_an_activity_lose_nothing(services: Services) -> None:
    """Each writer is a process of its own, with a memory of its own."""
    institution = uuid4()
    languages = [f"x{n}" for n in range(8)]

    def write(language: str) -> None:
        own = Activities(services.pool, services.blind, services.store.mapper)
        own.remember(institution, [named(language)])

    threads = [threading.Thread(target=write, args=(language,)) for language in languages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    identity = services.activities.identify(institution, IRI)
    described = services.activities.describe(institution, [identity])[identity]
    assert sorted(described.definition["name"]) == sorted(languages)


def test_the_catalogue_tells_nothing_without_the_key(services: Services) -> None:
    services.activities.remember(
        uuid4(), [{"id": "https://x.example/marker", "definition": {"name": {"en": "marker"}}}]
    )
    with services.pool.connection() as connection:
        row = connection.execute("SELECT string_agg(sealed, '') FROM lrs.activities").fetchone()
    assert row is not None
    assert b"marker" not in row[0]
