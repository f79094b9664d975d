"""The pass over the contents: which of them nobody has, and nobody can ever ask for.

A content is somebody's: of a document or an attachment, of an earlier version of a document, which
its stream keeps, or of an upload under way. What an erased person's earlier versions leave is
noise: no finding, and swept by a repair.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from uuid import UUID

from domain.documents import DocumentStored
from lrs.contents import ADRIFT
from lrs.fsck.findings import Kind
from lrs.fsck.opening import opened
from lrs.fsck.session import Session, rows
from lrs.fsck.standing import destroyed
from lrs.keys.envelope import boxes

BATCH = 2000
NAME = "contents"


class Ids:
    """A set of ids on disk: there may be as many as a store ever had versions of documents."""

    def __init__(self) -> None:
        self._held = sqlite3.connect("")  # a temporary file, gone when it is closed
        self._held.execute("CREATE TABLE ids (id BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, ids: Iterable[UUID]) -> None:
        """Keeps these too."""
        self._held.executemany("INSERT OR IGNORE INTO ids VALUES (?)", ((i.bytes,) for i in ids))

    def remove(self, ids: Iterable[UUID]) -> None:
        """Keeps these no longer."""
        self._held.executemany("DELETE FROM ids WHERE id = ?", ((i.bytes,) for i in ids))

    def __contains__(self, one: UUID) -> bool:
        return bool(self._held.execute("SELECT 1 FROM ids WHERE id = ?", (one.bytes,)).fetchall())

    def pages(self, size: int) -> Iterator[list[UUID]]:
        """Gives them in order, `size` at a time; those given may be removed meanwhile."""
        after = b""
        query = "SELECT id FROM ids WHERE id > ? ORDER BY id LIMIT ?"
        while found := self._held.execute(query, (after, size)).fetchall():
            after = found[-1][0]
            yield [UUID(bytes=row[0]) for row in found]

    def close(self) -> None:
        """Forgets them all."""
        self._held.close()


def check_uploads(session: Session) -> None:
    """Finds uploads that ended, and sweeps what they left."""
    for (content_id,) in rows(
        session.records,
        "SELECT content_id FROM lrs.uploads WHERE started_at < now() - %s",
        ADRIFT,
    ):
        session.report(Kind.UPLOAD_INTERRUPTED, None, None, content_id)
    if session.repair:
        session.services.contents.sweep()


def check(session: Session, named: Ids) -> None:
    """Finds contents that nothing names; `named` are those of the events up to the run's head.

    To be asked only where every event could be read: another could name what seems nobody's. Not
    while an institution moves in: its contents come before what names them.
    """
    if rows(session.records, "SELECT FROM lrs.gates WHERE state <> 'left'"):
        return
    with closing(Ids()) as nobodys:
        _collect(session, nobodys, named)
        _name_since(session, nobodys)
        for page in nobodys.pages(BATCH):
            _judge(session, page)
    session.tell(NAME, 1, 1)


def _collect(session: Session, nobodys: Ids, named: Ids) -> None:
    """Gathers what no row and no event up to the run's head names."""
    after = UUID(int=0)
    while True:
        page = rows(
            session.records,
            "SELECT c.content_id, EXISTS ("
            "  SELECT FROM lrs.attachments a WHERE a.content_id = c.content_id)"
            " OR EXISTS (SELECT FROM lrs.uploads u WHERE u.content_id = c.content_id)"
            " FROM (SELECT DISTINCT content_id FROM lrs.contents WHERE content_id > %s"
            "  ORDER BY content_id LIMIT %s) c ORDER BY c.content_id",
            after,
            BATCH,
        )
        nobodys.add(one for one, somebodys in page if not somebodys and one not in named)
        if len(page) < BATCH:
            return
        after = page[-1][0]
        session.tell(NAME, after.int >> 96, 1 << 32)  # random: they are spread evenly


def _name_since(session: Session, nobodys: Ids) -> None:
    """Leaves out what documents were given meanwhile: each that was there then stands in the log
    now.
    """
    store = session.services.store
    after, through = session.scope.head, store.head()
    while after < through:
        page = store.recorder.select_range(after, through, BATCH, [DocumentStored.TOPIC])
        found = (one.event for one in opened(store.mapper, page))
        nobodys.remove(e.content_id for e in found if isinstance(e, DocumentStored))
        after = page[-1].id if len(page) == BATCH else through


def _judge(session: Session, nobodys: Sequence[UUID]) -> None:
    orphans, noise = _left(session, nobodys)
    for one in orphans:
        session.report(Kind.CONTENT_ORPHAN, None, None, one)
    if not session.repair:
        return
    for one in noise:
        session.services.contents.drop(one)
    with session.alone() as records:
        # A process of the release before does not say what it uploads: an hour will tell.
        records.execute(
            "INSERT INTO lrs.uploads (content_id) SELECT o.content_id"
            " FROM unnest(%s::uuid[]) AS o (content_id) WHERE NOT EXISTS ("
            "  SELECT FROM lrs.attachments a WHERE a.content_id = o.content_id)"
            " AND NOT EXISTS (SELECT FROM lrs.documents d WHERE d.content_id = o.content_id)"
            " ON CONFLICT DO NOTHING",
            [orphans],
        )


def _left(session: Session, nobodys: Sequence[UUID]) -> tuple[list[UUID], list[UUID]]:
    """Returns those that are no document's and still there: that could be read; of the erased.

    What is under a key that went without an erasure is neither: the key may be found again.
    """
    sealed = rows(
        session.records,
        "SELECT DISTINCT ON (c.content_id) c.content_id, substring(c.sealed FOR 20)"
        " FROM lrs.contents c WHERE c.content_id = ANY(%s) AND NOT EXISTS ("
        "  SELECT FROM lrs.documents d WHERE d.content_id = c.content_id)"
        " ORDER BY c.content_id, c.number",
        list(nobodys),
    )
    keys = {content_id: boxes(head)[0][0] for content_id, head in sealed if len(head) == 20}
    gone = destroyed(session.keys, set(keys.values()))
    noise = [one for one, key in keys.items() if key in gone and gone[key].fenced]
    return [one for one, _ in sealed if keys.get(one) not in gone], noise
