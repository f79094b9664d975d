"""What a move leaves behind, and what one that was given up had copied: removed from a shard.

The log stays, as every log does; its keys are destroyed in that shard's key store, so that what is
left of it is noise. Fences of erased persons stay too: keyed hashes and random
pseudonyms, which keep their rows by design.
"""

import time
from datetime import UTC, datetime
from hashlib import sha256

from domain.budget import BudgetAllocated, Closing, Ledger, LedgerMoved
from domain.placements import (
    HOME,
    InstitutionMoved,
    Placement,
    directory_id,
    placement_id,
)
from lrs.keys.blind_index import BlindIndex
from lrs.keys.file import KeyFile
from lrs.moves.log import CHUNK, digest
from lrs.moves.sides import Side, number
from lrs.moves.tables import TABLES, delete
from lrs.moves.views import Views
from lrs.postings import ALL, of_person
from lrs.services import Services, open_services
from lrs.settings import Settings

PAGE = 1000
OF_DIRECTORY = ("lrs.institutions", "lrs.quotas")
"""Tables of which the directory keeps its row."""


class Clearing:
    """Clears `left` of an institution that lives `here`."""

    def __init__(
        self,
        settings: Settings,
        placement: Placement,
        here: Side,
        left: Side,
        views: Views,
    ) -> None:
        self._settings = settings
        self._placement = placement
        self._institution = placement.institution
        self._here = here
        self._left = left
        self._views = views

    def run(self, wait: float) -> None:
        """Notes the move in the log, waits until reads that began before it are over, clears."""
        institution, left = self._institution, self._left
        services = open_services(self._here.settings)
        try:
            self._note(services)
        finally:
            services.close()
        number(left.log, "SELECT lrs.shut_gate(%s, 'left')", [institution])
        time.sleep(wait)
        self._destroy_keys()
        self._purge_index()
        for table in reversed(TABLES):
            if table.keeps or (left.name == HOME and table.name in OF_DIRECTORY):
                continue
            delete(left.log, table, institution)
        left.log.execute("DELETE FROM lrs.arrivals WHERE institution = %s", [institution])
        self._views.purge(left.settings, institution)

    def _note(self, services: Services) -> None:
        """Records the move where the institution lives now, unless it never flipped."""
        stream = services.store.stream(placement_id(self._institution))
        epoch = self._placement.epoch
        moved = number(
            self._here.log,
            "SELECT count(*) FROM lrs.arrivals WHERE institution = %s AND epoch = %s",
            [self._institution, epoch],
        )
        if not moved:
            return
        self._move_ledger(services)
        if any(event.epoch == epoch for event in stream if isinstance(event, InstitutionMoved)):
            return
        events, statements, whole = self._arrived()
        services.store.append(
            InstitutionMoved(
                originator_id=placement_id(self._institution),
                originator_version=len(stream) + 1,
                institution=self._institution,
                at=datetime.now(UTC),
                source=self._left.name,
                target=self._here.name,
                epoch=epoch,
                events=events,
                statements=statements,
                digest=whole.hex(),
            )
        )

    def _move_ledger(self, services: Services) -> None:
        """Says in the newest ledger where its windows closed, in positions of this log."""
        log = self._here.log
        row = log.execute(
            "SELECT e.originator_id FROM lrs.arrivals a"
            " JOIN lrs.stored_events e ON e.notification_id = a.position"
            " WHERE a.institution = %s AND e.topic = %s ORDER BY a.came_from DESC LIMIT 1",
            [self._institution, BudgetAllocated.TOPIC],
        ).fetchone()
        events = services.store.stream(row[0]) if row else []
        ledger = Ledger.fold(events)
        epoch = self._placement.epoch
        if ledger is None or any(isinstance(e, LedgerMoved) and e.epoch == epoch for e in events):
            return
        closings = {
            stream: Closing(position=self._translated(closing.position), at=closing.at)
            for stream, closing in ledger.closings.items()
        }
        services.store.append(
            LedgerMoved(
                originator_id=ledger.allocated.originator_id,
                originator_version=ledger.version + 1,
                institution=self._institution,
                at=datetime.now(UTC),
                epoch=epoch,
                closings=closings,
            )
        )

    def _translated(self, position: int) -> int:
        return number(
            self._here.log,
            "SELECT position FROM lrs.arrivals WHERE institution = %s AND came_from <= %s"
            " ORDER BY came_from DESC LIMIT 1",
            [self._institution, position],
        )

    def _arrived(self) -> tuple[int, int, bytes]:
        """Returns how many events arrived, how many statements, and the digest over all."""
        events = statements = after = 0
        whole = b""
        while rows := self._here.log.execute(
            "SELECT came_from, position FROM lrs.arrivals WHERE institution = %s"
            " AND came_from > %s ORDER BY came_from LIMIT %s",
            [self._institution, after, CHUNK],
        ).fetchall():
            after = rows[-1][0]
            found = digest(self._here.log, [row[1] for row in rows])
            events, statements = events + found[0], statements + found[1]
            whole = sha256(whole + found[2]).digest()
        return events, statements, whole

    def _destroy_keys(self) -> None:
        if self._left.name == HOME:
            self._seal_labels_anew()
        self._left.keys.execute(
            "UPDATE keystore.data_keys SET wrapped = NULL, kek_id = NULL, revoked_at = now()"
            " WHERE institution = %s AND pseudonym <> %s AND wrapped IS NOT NULL",
            [self._institution, directory_id(self._institution)],
        )

    def _seal_labels_anew(self) -> None:
        """Labels of credentials that the first release issued are under a key that goes."""
        services = open_services(self._left.settings)
        try:
            mapper = services.store.mapper
            for credential, label in self._left.log.execute(
                "SELECT credential, label FROM lrs.credentials WHERE institution = %s",
                [self._institution],
            ).fetchall():
                opened = mapper.open_content(self._institution, credential, label)
                if opened is None:
                    continue
                sealed = mapper.seal_content(
                    self._institution, credential, opened, directory_id(self._institution)
                )
                self._left.log.execute(
                    "UPDATE lrs.credentials SET label = %s WHERE credential = %s",
                    [sealed, credential],
                )
        finally:
            services.close()

    def _purge_index(self) -> None:
        """Deletes index rows, references and postings, those that erased persons left too."""
        blind = BlindIndex(KeyFile(self._settings.key_file))
        log, institution = self._left.log, self._institution
        terms = [blind.term(institution, ALL, "")]
        for (person,) in log.execute(
            "SELECT pseudonym FROM lrs.fences WHERE institution = %s", [institution]
        ).fetchall():
            terms += of_person(blind, institution, person)
        for term in terms:
            after: int | None = 0
            while after is not None:
                row = log.execute(
                    "SELECT last FROM lrs.purge_postings(%s, %s, %s)", [term, after, PAGE]
                ).fetchone()
                after = row[0] if row else None
