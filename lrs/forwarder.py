"""A forwarder: carries what one forwarding selects, in log order, until it is stopped.

One leads for each forwarding, by an advisory lock on the connection that also writes the position,
so that one who lost the lock cannot move it. The position moves only after the receiver took the
statements, or refused one of them by itself: a forwarder that dies sends again, and skips nothing.
Whatever else goes wrong is waited for. After a wait all is read anew, so that nobody who was
erased meanwhile is sent.
"""

from collections import deque
from collections.abc import Callable
from random import random
from threading import Event
from typing import Any

import psycopg
import structlog

from domain.forwarding import Verdict, pause, verdict
from lrs import postings
from lrs.deliveries import Deliveries, parcels
from lrs.following import Followed, Look
from lrs.forwarding import Forwarding
from lrs.outgoing import Answer, Outgoing, Unreachable
from lrs.services import Services

log = structlog.get_logger("lrs.forwarder")

FORWARD_LOCK = 7013
BATCH = 50
POLL_SECONDS = 0.5
LEAD_SECONDS = 2.0


class NotNow(Exception):
    """The receiver does not take anything now."""

    def __init__(self, failure: str, retry_after: float | None = None) -> None:
        super().__init__(failure)
        self.failure = failure
        self.retry_after = retry_after


class Forwarder:
    """Carries one forwarding. `jitter` gives numbers in [0, 1)."""

    def __init__(
        self,
        services: Services,
        forwarding: Forwarding,
        *,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._services = services
        self._forwarding = forwarding
        self._target = forwarding.target
        self._terms = postings.sought(
            services.blind, forwarding.institution, **forwarding.target.selection.model_dump()
        )
        self._jitter = jitter
        self._failures = 0
        self._line: Outgoing | None = None

    def run(self, stop: Event) -> None:
        """Waits to lead, then forwards until `stop`, or until the forwarding is stopped.

        Raises when the database fails: whoever supervises starts another.
        """
        with psycopg.connect(
            self._services.settings.dsn, autocommit=True, application_name="kumbuka forwarder"
        ) as lead:
            while not self._lead(lead):
                if stop.wait(LEAD_SECONDS) or self._position(lead) is None:
                    return
            try:
                while not stop.is_set() and (position := self._position(lead)) is not None:
                    stop.wait(self._step(lead, position, stop))
            finally:
                self._hang_up()

    def _step(self, lead: psycopg.Connection[Any], position: int, stop: Event) -> float:
        """Forwards a batch at most; returns seconds until there may be more to do."""
        follower, institution = self._services.follower, self._forwarding.institution
        look = follower.look(institution, self._terms, position, BATCH)
        if look.reached == position:
            self._hang_up()
            return POLL_SECONDS
        try:
            self._forward(lead, look, stop)
        except NotNow as error:
            self._hang_up()
            self._failures += 1
            self._record_failure(lead, error.failure)
            wait = pause(self._failures, self._jitter(), error.retry_after)
            log.warning("forwarding waits", failure=error.failure, seconds=round(wait, 1))
            return wait
        return 0.0

    def _forward(self, lead: psycopg.Connection[Any], look: Look, stop: Event) -> None:
        """Brings what was found, in order; raises `NotNow` where it has to wait."""
        waiting = deque(parcels(look.found, BATCH))
        while waiting:
            if stop.is_set():
                return
            parcel = waiting.popleft()
            answer = self._send(parcel)
            match verdict(answer.status):
                case Verdict.TAKEN:
                    self._advance(lead, parcel[-1].resume, len(parcel))
                case Verdict.REFUSED if len(parcel) > 1:
                    half = len(parcel) // 2
                    waiting.extendleft((parcel[half:], parcel[:half]))
                case Verdict.REFUSED:
                    self._record_refusal(lead, parcel[0], answer.status)
                    self._advance(lead, parcel[0].resume, 0)
                case Verdict.LATER:
                    raise NotNow(f"status {answer.status}", answer.retry_after)
        self._advance(lead, look.reached, 0)

    def _send(self, parcel: list[Followed]) -> Answer:
        try:
            if self._line is None:
                private = self._services.settings.forward_private_addresses
                self._line = Outgoing(self._target.url, private=private)
            deliveries = Deliveries(
                self._line,
                self._services.attachments,
                key=self._target.key,
                secret=self._target.secret,
            )
            return deliveries.send(parcel)
        except Unreachable as error:
            raise NotNow(error.kind) from None

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _lead(self, lead: psycopg.Connection[Any]) -> bool:
        low = int.from_bytes(self._forwarding.id.bytes[-4:], "big", signed=True)
        row = lead.execute("SELECT pg_try_advisory_lock(%s, %s)", [FORWARD_LOCK, low]).fetchone()
        return row is not None and bool(row[0])

    def _position(self, lead: psycopg.Connection[Any]) -> int | None:
        """Returns how far the forwarding is, or None once it is stopped."""
        row = lead.execute(
            "SELECT position FROM lrs.forwardings WHERE forwarding = %s AND stopped_at IS NULL",
            [self._forwarding.id],
        ).fetchone()
        return None if row is None else int(row[0])

    def _advance(self, lead: psycopg.Connection[Any], position: int, sent: int) -> None:
        lead.execute(
            "UPDATE lrs.forwardings SET position = %s, sent = sent + %s, failures = 0,"
            " failing_since = NULL, failure = NULL,"
            " sent_at = CASE WHEN %s > 0 THEN now() ELSE sent_at END WHERE forwarding = %s",
            [position, sent, sent, self._forwarding.id],
        )
        self._failures = 0

    def _record_refusal(
        self, lead: psycopg.Connection[Any], refused: Followed, status: int
    ) -> None:
        position = refused.recorded.position
        lead.execute(
            "INSERT INTO lrs.forwarding_refusals (forwarding, position, status) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [self._forwarding.id, position, status],
        )
        log.warning("forwarding refused", position=position, status=status)

    def _record_failure(self, lead: psycopg.Connection[Any], failure: str) -> None:
        lead.execute(
            "UPDATE lrs.forwardings SET failures = %s, failure = %s,"
            " failing_since = coalesce(failing_since, now()) WHERE forwarding = %s",
            [self._failures, failure, self._forwarding.id],
        )
