"""What a check may find: each kind with its meaning, and whether a repair from the log mends it.

A finding names positions and random ids (streams, keys, contents, pseudonyms), nothing sealed.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Kind(StrEnum):
    """The kinds of findings; `MEANINGS` says what each is, docs/operations.md what to do."""

    POSITION_TWICE = "position-twice"
    STREAM_HOLE = "stream-hole"
    UNREADABLE = "unreadable"
    UNKNOWN_KEY = "unknown-key"
    UNKNOWN_FORMAT = "unknown-format"
    SHRED_UNEXPLAINED = "shred-unexplained"
    DIGEST = "digest"

    INDEX_MISSING = "index-missing"
    INDEX_WRONG = "index-wrong"
    INDEX_ORPHAN = "index-orphan"
    INDEX_ERASED = "index-erased"
    TERMS_MISSING = "terms-missing"
    TERMS_EXTRA = "terms-extra"
    POSTING_MISSING = "posting-missing"
    POSTING_EXTRA = "posting-extra"
    POSTING_ORPHAN = "posting-orphan"
    POSTING_ERASED = "posting-erased"
    REFERENCE_MISSING = "reference-missing"
    REFERENCE_EXTRA = "reference-extra"

    DOCUMENT_MISSING = "document-missing"
    DOCUMENT_WRONG = "document-wrong"
    DOCUMENT_ORPHAN = "document-orphan"
    DOCUMENT_CONTENT = "document-content"
    DOCUMENT_ERASED = "document-erased"
    ATTACHMENT_MISSING = "attachment-missing"
    ATTACHMENT_CONTENT = "attachment-content"
    ATTACHMENT_ERASED = "attachment-erased"
    CONTENT_ORPHAN = "content-orphan"
    UPLOAD_INTERRUPTED = "upload-interrupted"

    PERSON_UNKNOWN = "person-unknown"
    PERSON_ERASED = "person-erased"
    FENCE_MISSING = "fence-missing"
    KEY_UNUSABLE = "key-unusable"
    KEY_TWICE = "key-twice"
    KEY_ERASED = "key-erased"
    KEY_DESTROYED = "key-destroyed"


MEANINGS: dict[Kind, str] = {
    Kind.POSITION_TWICE: "two events stand at one position of the log",
    Kind.STREAM_HOLE: "the version before this one is not in the stream, or stands behind it",
    Kind.UNREADABLE: "the event does not open with the key that it names",
    Kind.UNKNOWN_KEY: "the event names a key that the key store never held",
    Kind.UNKNOWN_FORMAT: "the event is in a format that this release does not know",
    Kind.SHRED_UNEXPLAINED: "the event's key was destroyed, and nobody was erased",
    Kind.DIGEST: "the digest in the header is not that of the statement",
    Kind.INDEX_MISSING: "the statement has no index row: no query gives it",
    Kind.INDEX_WRONG: "owner, author, stream or voiding of the index row are not the statement's",
    Kind.INDEX_ORPHAN: "an index row stands where the log has no statement",
    Kind.INDEX_ERASED: "the index row of an erased person's statement is still there",
    Kind.TERMS_MISSING: "the index row lacks terms under which the statement must be found",
    Kind.TERMS_EXTRA: "the index row has terms that the statement does not explain",
    Kind.POSTING_MISSING: "a term of the index row has no posting",
    Kind.POSTING_EXTRA: "a posting is not among the terms of its statement's index row",
    Kind.POSTING_ORPHAN: "a posting stands where the log has no statement",
    Kind.POSTING_ERASED: "a posting of an erased person or statement is still there",
    Kind.REFERENCE_MISSING: "the statement refers to another, and no reference says so",
    Kind.REFERENCE_EXTRA: "a reference says what no statement says",
    Kind.DOCUMENT_MISSING: "the stream says that the document is there, the table has no row",
    Kind.DOCUMENT_WRONG: "the row of a document is not what its stream says",
    Kind.DOCUMENT_ORPHAN: "the row of a document has no event",
    Kind.DOCUMENT_CONTENT: "the content of a document is missing, does not open, or is another",
    Kind.DOCUMENT_ERASED: "a document of an erased person is still there",
    Kind.ATTACHMENT_MISSING: "the statement's owner has no way to its attachment",
    Kind.ATTACHMENT_CONTENT: "the content of an attachment is not what its hash says",
    Kind.ATTACHMENT_ERASED: "an erased person's way to an attachment is still there",
    Kind.CONTENT_ORPHAN: "no event, document or attachment names this content",
    Kind.UPLOAD_INTERRUPTED: "an upload ended over an hour ago and nothing came of it",
    Kind.PERSON_UNKNOWN: "the statement names a person who is neither known nor erased",
    Kind.PERSON_ERASED: "the identifier of an erased person is still there",
    Kind.FENCE_MISSING: "a person is fenced in the record store and not in the key store",
    Kind.KEY_UNUSABLE: "a wrapped key does not open with its key-encryption key",
    Kind.KEY_TWICE: "a person has two keys of one version",
    Kind.KEY_ERASED: "an erased person still has a key",
    Kind.KEY_DESTROYED: "a key was destroyed, and nobody was erased",
}

UNREAD = frozenset({Kind.UNREADABLE, Kind.UNKNOWN_KEY, Kind.UNKNOWN_FORMAT})
"""What keeps an event from saying what it says."""

MENDED = frozenset(
    {
        Kind.INDEX_MISSING,
        Kind.INDEX_WRONG,
        Kind.INDEX_ORPHAN,
        Kind.INDEX_ERASED,
        Kind.TERMS_MISSING,
        Kind.TERMS_EXTRA,
        Kind.POSTING_MISSING,
        Kind.POSTING_EXTRA,
        Kind.POSTING_ORPHAN,
        Kind.POSTING_ERASED,
        Kind.REFERENCE_MISSING,
        Kind.REFERENCE_EXTRA,
        Kind.CONTENT_ORPHAN,
        Kind.UPLOAD_INTERRUPTED,
    }
)
"""What `--repair` mends: index rows, from the log; and contents that nobody can ever ask for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not agree: where, whose, and of which stream, key, content or person."""

    kind: Kind
    position: int | None = None
    institution: UUID | None = None
    subject: UUID | None = None

    def as_json(self) -> dict[str, Any]:
        """Returns it for a line of JSON; what is not known is left out."""
        told = {
            "kind": self.kind.value,
            "position": self.position,
            "institution": self.institution,
            "subject": self.subject,
            "meaning": MEANINGS[self.kind],
        }
        return {name: value for name, value in told.items() if value is not None}


Found = Callable[[Finding], None]
"""Is told each finding as it is made: there may be more than fit in memory."""

Tell = Callable[[str, int, int], None]
"""Is told the name of the pass, how much of it is done, and how much there is."""


@dataclass(slots=True)
class Report:
    """What a run came to. `head` is the position up to which it judged."""

    head: int = 0
    events: int = 0
    statements: int = 0
    erased: int = 0
    seconds: float = 0.0
    kinds: Counter[Kind] = field(default_factory=Counter)
    passes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.kinds
