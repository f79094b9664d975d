"""Damage to documents, attachments and their contents: found by name; what is nobody's is swept."""

from datetime import timedelta
from uuid import uuid4

import pytest

from lrs.fsck import Kind, fsck
from tests.fsck import check_clean, found
from tests.integration.lrs.fsck.conftest import Store

ADAS = "owner = '{ada_person}'"
CHUNKS = "content_id IN (SELECT content_id FROM lrs.documents WHERE owner = '{ada_person}')"
ESSAYS = "content_id IN (SELECT content_id FROM lrs.attachments)"
FLIP = "sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)"

DAMAGE: dict[str, tuple[str, set[Kind]]] = {
    "a row is gone": (f"DELETE FROM lrs.documents WHERE {ADAS}", {Kind.DOCUMENT_MISSING}),
    "a row is of an earlier version": (
        f"UPDATE lrs.documents SET version = 1 WHERE {ADAS}",
        {Kind.DOCUMENT_WRONG},
    ),
    "a row is of a version that never was": (
        f"UPDATE lrs.documents SET version = 9 WHERE {ADAS}",
        {Kind.DOCUMENT_WRONG, Kind.DOCUMENT_ORPHAN},
    ),
    "a row has another content": (
        f"UPDATE lrs.documents SET content_id = gen_random_uuid() WHERE {ADAS}",
        {Kind.DOCUMENT_WRONG},
    ),
    "a row does not open": (
        f"UPDATE lrs.documents SET {FLIP} WHERE {ADAS}",
        {Kind.DOCUMENT_WRONG},
    ),
    "a row has no stream": (
        "INSERT INTO lrs.documents (document, institution, holder, owner, version, content_id,"
        " sealed) SELECT gen_random_uuid(), institution, holder, owner, 1, content_id, sealed"
        f" FROM lrs.documents WHERE {ADAS}",
        {Kind.DOCUMENT_ORPHAN},
    ),
    "a deleted document has a row": (
        "UPDATE lrs.documents SET version = 2, document = (SELECT originator_id"
        f" FROM lrs.stored_events WHERE topic = 'document.deleted') WHERE {ADAS}",
        {Kind.DOCUMENT_WRONG, Kind.DOCUMENT_MISSING},
    ),
    "an erased person has a document": (
        "INSERT INTO lrs.documents (document, institution, holder, owner, version, content_id,"
        " sealed) SELECT e.originator_id, institution, holder, '{eve_person}', 1,"
        " gen_random_uuid(), sealed FROM lrs.documents d, lrs.stored_events e"
        f" WHERE d.{ADAS} AND e.topic = 'document.stored' AND NOT EXISTS (SELECT FROM"
        " lrs.documents o WHERE o.document = e.originator_id) AND e.originator_version = 2"
        " AND NOT EXISTS (SELECT FROM lrs.stored_events x WHERE x.topic = 'document.deleted'"
        " AND x.originator_id = e.originator_id)",
        {Kind.DOCUMENT_ERASED},
    ),
    "the content is gone": (
        f"DELETE FROM lrs.contents WHERE {CHUNKS}",
        {Kind.DOCUMENT_CONTENT},
    ),
    "a chunk is gone": (
        f"DELETE FROM lrs.contents WHERE number = 1 AND {CHUNKS}",
        {Kind.DOCUMENT_CONTENT},
    ),
    "a chunk is another": (
        f"UPDATE lrs.contents SET {FLIP} WHERE number = 1 AND {CHUNKS}",
        {Kind.DOCUMENT_CONTENT},
    ),
    "an owner has no way to an attachment": (
        "DELETE FROM lrs.attachments WHERE owner = '{bob_person}'",
        {Kind.ATTACHMENT_MISSING, Kind.CONTENT_ORPHAN},
    ),
    "the content of an attachment is another": (
        f"UPDATE lrs.contents SET {FLIP} WHERE {ESSAYS}",
        {Kind.ATTACHMENT_CONTENT},
    ),
    "the content of an attachment is gone": (
        f"DELETE FROM lrs.contents WHERE {ESSAYS}",
        {Kind.ATTACHMENT_CONTENT},
    ),
    "an erased person has a way to an attachment": (
        "INSERT INTO lrs.attachments (attachment, owner, institution, content_id, sealed)"
        " SELECT attachment, '{eve_person}', institution, content_id, sealed FROM lrs.attachments",
        {Kind.ATTACHMENT_ERASED},
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(store: Store, what: str) -> None:
    sql, expected = DAMAGE[what]
    store.damage(sql)
    log = store.log()
    findings, _ = found(store.settings)
    assert {finding.kind for finding in findings} == expected
    found(store.settings, repair=True)
    assert store.log() == log
    findings, _ = found(store.settings)
    assert {finding.kind for finding in findings} == expected - {Kind.CONTENT_ORPHAN}


def interrupted(store: Store, minutes: int) -> None:
    """Leaves an upload that began so long ago."""
    institution = store.tool.institution
    key = store.services.keyring.current(institution, [institution])[institution]
    store.services.contents.write(institution, key, [b"x" * 600_000])
    store.damage(f"UPDATE lrs.uploads SET started_at = started_at - interval '{minutes} minutes'")


def test_an_interrupted_upload_is_found_after_an_hour_and_swept(store: Store) -> None:
    found(store.settings, repair=True)
    chunks = count(store)
    interrupted(store, 59)
    check_clean(store.settings)
    found(store.settings, repair=True)
    assert count(store) == chunks + 3
    store.damage("UPDATE lrs.uploads SET started_at = started_at - interval '2 minutes'")
    findings, _ = found(store.settings)
    assert [finding.kind for finding in findings] == [Kind.UPLOAD_INTERRUPTED]
    found(store.settings, repair=True)
    assert count(store) == chunks
    check_clean(store.settings)


def test_what_nothing_names_is_found_and_goes_after_an_hour(store: Store) -> None:
    """As the first release left it, which did not say what it was uploading."""
    found(store.settings, repair=True)
    chunks = count(store)
    interrupted(store, 0)
    store.damage("DELETE FROM lrs.uploads")
    findings, _ = found(store.settings)
    assert [finding.kind for finding in findings] == [Kind.CONTENT_ORPHAN]
    found(store.settings, repair=True)
    assert count(store) == chunks + 3, "it may still be under way"
    check_clean(store.settings)
    assert store.services.contents.sweep(timedelta()) == 1
    assert count(store) == chunks


def test_earlier_versions_stay_and_those_of_the_erased_go(store: Store) -> None:
    """Eve's first version can never be read again; Ada's belongs to the stream."""
    chunks = count(store)
    check_clean(store.settings)
    findings, _ = found(store.settings, repair=True)
    assert findings == []
    assert count(store) == chunks - 1
    check_clean(store.settings)


def test_nothing_is_swept_where_an_event_does_not_open(store: Store) -> None:
    """It may be the one that names the content."""
    chunks = count(store)
    interrupted(store, 0)
    store.damage(
        "DELETE FROM lrs.uploads; DELETE FROM keystore.data_keys WHERE pseudonym = '{ada_person}'"
    )
    findings, report = found(store.settings, repair=True)
    assert {finding.kind for finding in findings} == {Kind.UNKNOWN_KEY}
    assert "contents" not in report.passes
    assert store.services.contents.sweep(timedelta()) == 0
    assert count(store) == chunks + 3


def test_a_part_of_the_store_is_not_judged_by_what_is_elsewhere(store: Store) -> None:
    interrupted(store, 0)
    store.damage("DELETE FROM lrs.uploads; UPDATE lrs.documents SET version = 9")
    for scope in ({"institution": uuid4()}, {"since": store.services.store.last()}):
        report = fsck(store.services, **scope)  # type: ignore[arg-type]
        assert Kind.CONTENT_ORPHAN not in report.kinds
        assert Kind.DOCUMENT_WRONG not in report.kinds
        assert report.events == 0
    assert Kind.DOCUMENT_WRONG in fsck(store.services, institution=store.tool.institution).kinds


def count(store: Store) -> int:
    with store.services.pool.connection() as connection:
        row = connection.execute("SELECT count(*) FROM lrs.contents").fetchone()
    assert row is not None
    return int(row[0])
