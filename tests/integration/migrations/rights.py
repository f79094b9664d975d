"""Who may do what with which table: the one table, which a test holds against the catalogue.

A table that is not here fails the test until somebody decides. Letters: S select, I insert, U
update, D delete; `i` and `u` only of some columns, which stand in `COLUMNS`. Nobody but the owner
may anything else (truncate, refer, trigger, change, drop), and PUBLIC may nothing at all.
"""

WRITER, KEYS, READER = "lrs_writer", "lrs_keys", "lrs_reader"

VIEWS = (
    *("abilities", "activities", "completions", "daily_facts", "dead_letters", "enrolments"),
    *("evaluations", "evidence", "facts", "flags", "items", "mastery", "outline_items"),
    *("outlines", "skills", "tracking", "work"),
)

RIGHTS: dict[str, dict[str, str]] = {
    # What the log says cannot be unsaid.
    "lrs.stored_events": {WRITER: "Si", READER: "S"},
    # The index can be made again from the log; erasure deletes.
    "lrs.statement_index": {WRITER: "SIuD", READER: "S"},
    "lrs.postings": {WRITER: "SID", READER: "S"},
    "lrs.statement_refs": {WRITER: "SID", READER: "S"},
    # Who statements name; erasure deletes people and leaves fences for good.
    "lrs.people": {WRITER: "SID", READER: "S"},
    "lrs.fences": {WRITER: "SI", READER: "S"},
    "lrs.erased_identifiers": {WRITER: "SI"},
    "lrs.erasures": {WRITER: "SIu", READER: "S"},
    "lrs.activities": {WRITER: "SIu", READER: "S"},
    "lrs.documents": {WRITER: "SID", READER: "S"},
    "lrs.attachments": {WRITER: "SID", READER: "S"},
    "lrs.contents": {WRITER: "SID", READER: "S"},
    "lrs.uploads": {WRITER: "SID"},
    "lrs.institutions": {WRITER: "SI", READER: "S"},
    # Secrets, and what was refused: no reader needs them.
    "lrs.credentials": {WRITER: "SIu"},
    "lrs.forwardings": {WRITER: "SIu"},
    "lrs.forwarding_refusals": {WRITER: "SI"},
    "lrs.quarantine": {WRITER: "SIuD"},
    "lrs.quarantined_statements": {WRITER: "SID"},
    "lrs.quarantined_people": {WRITER: "SID"},
    # Counted and deleted by functions of the owner.
    "lrs.usage": {WRITER: "S"},
    "lrs.usage_totals": {WRITER: "S"},
    "lrs.usage_cursor": {WRITER: "S"},
    "lrs.usage_notes": {WRITER: "S"},
    "lrs.quotas": {WRITER: "SIU"},
    "lrs.closures": {WRITER: "SIu"},
    # Moved and gated by the owner.
    "lrs.placements": {WRITER: "S"},
    "lrs.gates": {WRITER: "S"},
    "lrs.arrivals": {WRITER: "S"},
    # Keys: a role of their own.
    "keystore.data_keys": {KEYS: "SIu"},
    "keystore.fences": {KEYS: "SI"},
    # Made again from the log at any time.
    **{f"views.{name}": {WRITER: "SIUD", READER: "S"} for name in VIEWS},
    "streams.relay": {WRITER: "SIUD"},
    "streams.chains": {WRITER: "SIUD"},
    # Each process asks whether the database is what it expects.
    "migrations.applied": {WRITER: "S", KEYS: "S", READER: "S"},
}

COLUMNS: dict[tuple[str, str], set[str]] = {
    # Not recorded_at: it is the database's own clock.
    ("lrs.stored_events", "INSERT"): {
        *("originator_id", "originator_version", "topic", "state", "notification_id")
    },
    ("lrs.statement_index", "UPDATE"): {"terms"},
    ("lrs.activities", "UPDATE"): {"sealed"},
    ("lrs.erasures", "UPDATE"): {"finished_at"},
    ("lrs.closures", "UPDATE"): {"finished_at"},
    ("lrs.credentials", "UPDATE"): {
        *("revoked_at", "secret_hash", "generation", "old_secret_hash", "old_valid_until"),
        "tolerance",
    },
    ("lrs.forwardings", "UPDATE"): {
        *("stopped_at", "position", "sent", "sent_at", "failures", "failing_since", "failure")
    },
    ("lrs.quarantine", "UPDATE"): {"digest", "last_at", "times"},
    ("keystore.data_keys", "UPDATE"): {"kek_id", "wrapped", "revoked_at"},
}

READ_FUNCTIONS = {
    *("lrs.position_before", "lrs.position_from", "lrs.next_places", "lrs.places_among"),
    *("lrs.read_page", "lrs.read_statement"),
}
"""What the reader may call; the writer may call every function of its schema."""

DEFINERS = {"lrs.note_contents", "lrs.count_usage", "lrs.purge_institution"}
"""Functions that run with the owner's rights: each decides by itself what it does."""
