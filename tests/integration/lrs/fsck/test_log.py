"""Damage to the log and to keys: found by name, and never touched by a repair."""

import re
from pathlib import Path

import psycopg
import pytest

from lrs.fsck import MENDED, Kind
from tests.fsck import check_clean, found
from tests.integration.lrs.fsck.conftest import Store

EVENT = "UPDATE lrs.stored_events SET state = {} WHERE notification_id = {{plain}}"
ADAS = "institution = '{institution}' AND pseudonym = '{ada_person}'"
EVES = "institution = '{institution}' AND pseudonym = '{eve_person}'"

DAMAGE: dict[str, tuple[str, set[Kind]]] = {
    "a bit of the body is another": (
        EVENT.format("set_byte(state, octet_length(state) - 20, 0)")
        + ";"
        + EVENT.format("set_byte(state, octet_length(state) - 21, 0)"),
        {Kind.UNREADABLE},
    ),
    "the body is cut short": (EVENT.format("substring(state FOR 60)"), {Kind.UNREADABLE}),
    "there is no body": (EVENT.format("substring(state FOR 33)"), {Kind.UNREADABLE}),
    "the header names another institution": (
        EVENT.format("overlay(state PLACING uuid_send(gen_random_uuid()) FROM 2)"),
        {Kind.UNREADABLE},
    ),
    "the event was moved to another stream": (
        "UPDATE lrs.stored_events SET originator_id = gen_random_uuid()"
        " WHERE notification_id = {other}",
        {Kind.UNREADABLE},
    ),
    "the format is unknown": (EVENT.format("set_byte(state, 0, 99)"), {Kind.UNKNOWN_FORMAT}),
    "the digest is another": (
        EVENT.format("overlay(state PLACING uuid_send(gen_random_uuid()) FROM 18)"),
        {Kind.DIGEST},
    ),
    "a position is taken twice": (
        "DROP INDEX lrs.stored_events_notification_id;"
        "UPDATE lrs.stored_events SET notification_id = {plain}"
        " WHERE topic = 'institution.created'",
        {Kind.POSITION_TWICE},
    ),
    "a stream lacks its beginning": (
        "DELETE FROM lrs.stored_events WHERE topic = 'erasure.requested'",
        {Kind.STREAM_HOLE},
    ),
    "a stream lacks its middle": (
        "DELETE FROM lrs.stored_events WHERE topic = 'erasure.scoped'",
        {Kind.STREAM_HOLE},
    ),
    "a statement is gone from the log": (
        "DELETE FROM lrs.stored_events WHERE notification_id = {plain}",
        {Kind.INDEX_ORPHAN, Kind.TERMS_EXTRA},
    ),
    "a key was never there": (
        f"DELETE FROM keystore.data_keys WHERE {ADAS}",
        {Kind.UNKNOWN_KEY},
    ),
    "a key is gone without an erasure": (
        "UPDATE keystore.data_keys SET wrapped = NULL, kek_id = NULL, revoked_at = now()"
        f" WHERE {ADAS}",
        {Kind.SHRED_UNEXPLAINED, Kind.KEY_DESTROYED},
    ),
    "an institution's key is gone": (
        "UPDATE keystore.data_keys SET wrapped = NULL, kek_id = NULL, revoked_at = now()"
        " WHERE pseudonym = institution",
        {Kind.SHRED_UNEXPLAINED, Kind.KEY_DESTROYED},
    ),
    "a wrapped key does not open": (
        "UPDATE keystore.data_keys SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)"
        f" WHERE {ADAS}",
        {Kind.KEY_UNUSABLE, Kind.UNREADABLE},
    ),
    "a person has two keys of one version": (
        "ALTER TABLE keystore.data_keys DROP CONSTRAINT"
        " data_keys_institution_pseudonym_version_key;"
        "UPDATE keystore.data_keys SET pseudonym = '{grace_person}' WHERE {ADAS}",
        {Kind.KEY_TWICE, Kind.KEY_UNUSABLE, Kind.UNREADABLE},
    ),
    "an erased person has a key": (
        "UPDATE keystore.data_keys k SET wrapped = o.wrapped, kek_id = o.kek_id, revoked_at = NULL"
        f" FROM keystore.data_keys o WHERE o.pseudonym = '{{ada_person}}' AND k.{EVES}".replace(
            "AND pseudonym", "AND k.pseudonym"
        ),
        {Kind.KEY_ERASED, Kind.KEY_UNUSABLE, Kind.UNREADABLE},
    ),
    "the key store does not know that a person was erased": (
        f"DELETE FROM keystore.fences WHERE {EVES}",
        {Kind.FENCE_MISSING, Kind.KEY_DESTROYED, Kind.SHRED_UNEXPLAINED},
    ),
    "an erased person's identifier is there": (
        "INSERT INTO lrs.people (institution, blind, fence, pseudonym)"
        " SELECT institution, decode(repeat('ab', 32), 'hex'), fence, '{eve_person}'"
        " FROM lrs.people LIMIT 1",
        {Kind.PERSON_ERASED},
    ),
    "nobody knows a person whom statements name": (
        "DELETE FROM lrs.people WHERE pseudonym = '{grace_person}'",
        {Kind.PERSON_UNKNOWN},
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_the_log_is_not_touched(store: Store, what: str) -> None:
    sql, expected = DAMAGE[what]
    store.damage(sql.replace("{ADAS}", ADAS))
    log = store.log()
    findings, _ = found(store.settings)
    assert {finding.kind for finding in findings} == expected
    found(store.settings, repair=True)
    assert store.log() == log
    findings, _ = found(store.settings)
    assert {finding.kind for finding in findings} == expected - MENDED


def test_a_finding_says_where(store: Store) -> None:
    store.damage(DAMAGE["the digest is another"][0])
    (finding,), _ = found(store.settings)
    assert finding.position == store.places["plain"]
    assert finding.institution == store.tool.institution
    assert not re.search(r"\bada\b", str(finding.as_json()))


def test_an_erasure_under_way_is_no_finding(store: Store) -> None:
    """Fenced, and cut short there: rows and keys are left, and that is as it should be."""
    store.damage(
        "INSERT INTO lrs.fences (pseudonym, institution)"
        " VALUES ('{bob_person}', '{institution}');"
        "INSERT INTO lrs.erasures (erasure, institution, pseudonym, requested_at)"
        " VALUES (gen_random_uuid(), '{institution}', '{bob_person}', now())"
    )
    check_clean(store.settings)
    store.damage("UPDATE lrs.erasures SET finished_at = now() WHERE finished_at IS NULL")
    findings, _ = found(store.settings)
    assert {finding.kind for finding in findings} == {
        Kind.INDEX_ERASED,
        Kind.REFERENCE_EXTRA,
        Kind.POSTING_ERASED,
        Kind.PERSON_ERASED,
        Kind.ATTACHMENT_ERASED,
        Kind.FENCE_MISSING,
    }


@pytest.mark.parametrize(
    "what",
    [
        "the key store does not know that a person was erased",
        "an erased person has a key",
        "an erased person's identifier is there",
    ],
)
def test_what_the_runbook_says_takes_away_what_a_backup_brought_back(
    store: Store, what: str
) -> None:
    store.damage(DAMAGE[what][0])
    runbook = (Path(__file__).parents[4] / "docs" / "operations.md").read_text()
    by_hand = dict(re.findall(r"-- ([a-z-]+), as (?:lrs_\w+)\n(.*)\n", runbook))
    assert set(by_hand) == {Kind.FENCE_MISSING, Kind.KEY_ERASED, Kind.PERSON_ERASED}
    findings, _ = found(store.settings)
    for finding in findings:
        if finding.kind not in by_hand:
            continue
        sql = by_hand[finding.kind].replace("SUBJECT", str(finding.subject))
        of_keys = finding.kind is not Kind.PERSON_ERASED
        dsn = store.settings.keystore_dsn if of_keys else store.settings.dsn
        with psycopg.connect(dsn) as connection:
            connection.execute(sql.replace("INSTITUTION", str(finding.institution)).encode())
    check_clean(store.settings)
