"""The release pipeline: decide what is due, bound, charge, add noise, keep the rows as an event.

Shipping to ClickHouse comes after and apart (`shipping`): what stands in the ledger is released,
whatever becomes of ClickHouse. Two processes may release at once: the ledger's version lets one
of them through, and what the other drew is thrown away unseen.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from clickhouse.bounding import Sampler, bounded, system_sampler
from clickhouse.groups import History, public_groups, row
from clickhouse.inputs import Snapshot
from clickhouse.mechanisms.accounting import Budget
from clickhouse.mechanisms.histogram import Histogram
from clickhouse.plans import PLANS, Plan
from domain.budget import BudgetAllocated, Ledger, Released, Window, ledger_id
from domain.errors import Conflict, Overloaded
from domain.events import Event
from domain.terms import HALF_YEARS, Calendar, Term

ATTEMPTS = 500  # lost races before giving up; each lost race is another's success
TERMS_BACK = 20  # how far back the ledger before this one is looked for


class LedgerStore(Protocol):
    """Where ledgers are kept: the event log."""

    def stream(self, originator_id: UUID) -> Sequence[Event]:
        """Returns the events of a stream in order; none if there is no such stream."""
        ...

    def append(self, *events: Event) -> object:
        """Appends all or nothing; raises Conflict where a version is taken."""
        ...


class Views(Protocol):
    """What is counted; `clickhouse.inputs.Inputs` is the real one."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Gives one consistent sight of the views."""
        ...


class Releases:
    """Releases of all institutions.

    `budget` is what each term is given; `clock` returns the time in UTC; `sample` chooses the
    contributions that are kept.
    """

    def __init__(
        self,
        store: LedgerStore,
        views: Views,
        *,
        budget: Budget,
        clock: Callable[[], datetime],
        sample: Sampler = system_sampler,
        calendar: Calendar = HALF_YEARS,
    ) -> None:
        self._store = store
        self._views = views
        self._budget = budget
        self._clock = clock
        self._sample = sample
        self._calendar = calendar

    def ledger(self, institution: UUID) -> Ledger:
        """Returns the ledger of the current term; opens it if this is the term's first sight."""
        for _ in range(ATTEMPTS):
            ledger, allocated = self._current(institution)
            if allocated is None:
                return ledger
            try:
                self._store.append(allocated)
            except Conflict:
                continue
            return ledger
        raise Overloaded("the ledger of this term could not be opened")

    def peek(self, institution: UUID) -> Ledger:
        """Returns the ledger of the current term as it is, or as it will be when it is opened."""
        return self._current(institution)[0]

    def due(self, institution: UUID) -> list[Plan]:
        """Returns the plans whose last window closed in an earlier period of their cadence."""
        today = self._clock().date()
        ledger = self.ledger(institution)
        return [
            plan
            for plan in PLANS
            if plan.cadence.passed(ledger.opening(plan.stream).at.date(), today)
        ]

    def never(self, institution: UUID) -> list[Plan]:
        """Returns the plans of which nothing was ever released."""
        ledger = self.ledger(institution)
        return [plan for plan in PLANS if plan.stream not in ledger.closings]

    def release(
        self, institution: UUID, plan: Plan, history: History | None = None
    ) -> Released | None:
        """Closes the window of this stream now and releases it; returns what was released.

        None: the views stand before the last window's end (they are being rebuilt), so there is
        nothing new to count. Raises BudgetExhausted; then nothing was read, drawn or charged.
        """
        for _ in range(ATTEMPTS):
            ledger = self.ledger(institution)
            opening = ledger.opening(plan.stream)
            closed = self._clock()
            periods = plan.cadence.passed(opening.at.date(), closed.date())
            bound, part = plan.allowance(periods, history=history is not None)
            mechanism = Histogram(
                bound=bound,
                each=plan.each,
                rho=part * ledger.allocated.rho,
                delta=part * ledger.allocated.delta if plan.discovers else 0.0,
            )
            ledger.check(mechanism.cost.rho, mechanism.cost.delta)
            with self._views.snapshot() as snapshot:
                if snapshot.reflected < opening.position:
                    return None
                window = Window(
                    after=opening.position,
                    until=snapshot.reflected,
                    opened=opening.at,
                    closed=closed,
                )
                counts = bounded(
                    snapshot.contributions(plan, institution, window),
                    bound,
                    plan.each,
                    self._sample,
                )
            values = mechanism.noise(counts, public_groups(plan, window, ledger.courses, history))
            released = Released(
                originator_id=ledger.allocated.originator_id,
                originator_version=ledger.version + 1,
                institution=institution,
                at=closed,
                release=uuid4(),
                stream=plan.stream,
                plan=plan.hash,
                window=window,
                rho=mechanism.cost.rho,
                delta=mechanism.cost.delta,
                bound=bound,
                sigma=mechanism.sigma,
                rows=tuple(row(plan, window, group, value) for group, value in values.items()),
            )
            try:
                self._store.append(released)
            except Conflict:
                continue
            return released
        raise Overloaded("too many releases of this institution at once", retry_after=5)

    def released(self, institution: UUID, terms: int = TERMS_BACK) -> list[Released]:
        """Returns the releases of the current term and of those before it, oldest first."""
        found: list[Released] = []
        term = self._calendar.term(self._clock().date())
        for _ in range(terms):
            events = self._store.stream(ledger_id(institution, term.label))
            found[:0] = [event for event in events if isinstance(event, Released)]
            term = self._calendar.before(term)
        return found

    def _current(self, institution: UUID) -> tuple[Ledger, BudgetAllocated | None]:
        """The ledger of the current term, and the event that opens it if nothing has yet."""
        now = self._clock()
        term = self._calendar.term(now.date())
        if ledger := self._read(institution, term):
            return ledger, None
        allocated = self._allocation(institution, term, now)
        opened = Ledger.fold([allocated])
        assert opened is not None
        return opened, allocated

    def _read(self, institution: UUID, term: Term) -> Ledger | None:
        return Ledger.fold(self._store.stream(ledger_id(institution, term.label)))

    def _allocation(self, institution: UUID, term: Term, now: datetime) -> BudgetAllocated:
        """The first event of a ledger: the term's budget, and where the ledger before left off."""
        fresh: dict[str, Any] = {
            "originator_id": ledger_id(institution, term.label),
            "originator_version": 1,
            "institution": institution,
            "at": now,
            "term": term.label,
            "rho": self._budget.rho,
            "delta": self._budget.delta,
        }
        earlier = term
        for _ in range(TERMS_BACK):
            earlier = self._calendar.before(earlier)
            if last := self._read(institution, earlier):
                return BudgetAllocated(
                    **fresh,
                    began=last.allocated.began,
                    closings=last.closings,
                    courses=tuple(sorted(last.courses)),
                )
        return BudgetAllocated(**fresh, began=now)
