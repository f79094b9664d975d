"""`/api/v1/analytics`: released aggregates, with their noise and what they cost. Reads are free.

Every number here has noise in it (`clickhouse/`); true counts are nowhere to be had.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.authentication import credential
from api.authorisation import requires
from api.blueprints import noun
from api.paging import AsOf, Page, PageQuery, Strict, cut, page
from api.services import services
from clickhouse.mechanisms.accounting import epsilon
from clickhouse.reads import EARLIEST, LATEST, Place, ReleasedRow
from clickhouse.reads import page as released_page
from domain.budget import Ledger
from domain.roles import Action
from lrs.activities import Described

analytics = noun(
    "analytics", __name__, "Aggregates released under differential privacy, and their budget."
)


class BudgetOut(Strict):
    """The privacy budget of the caller's institution in the current term, in rho of zCDP."""

    term: str
    unit: str = "rho"
    total: float
    spent: float
    remaining: float
    epsilon: float = Field(description="What the whole budget comes to, at `delta`.")
    delta: float
    epsilon_spent: float = Field(description="What the spent part comes to, at `delta`.")
    releases: int = Field(description="Releases of this term.")


class CourseOut(Strict):
    """A course by its opaque id, with what is known of it."""

    id: UUID
    iri: str | None
    name: str | None


class RowOut(Strict):
    """A noised value. The true count of learners lies in 95 of 100 such intervals.

    The count is of learners as bounded: each counts in at most `bound` rows of a release.
    """

    release: UUID
    course: CourseOut | None = Field(description="Null: the whole institution.")
    start: date = Field(description="First day that is counted (UTC).")
    end: date = Field(description="Last day that is counted (UTC).")
    value: int
    sigma: float = Field(description="Standard deviation of the noise.")
    low: int = Field(description="Lower end of the 95% interval.")
    high: int = Field(description="Upper end of the 95% interval.")
    bound: int = Field(description="Most rows of the release that one learner counts in.")
    rho: float = Field(description="What the whole release cost.")
    released_at: datetime


class AnalyticsPage(Page[RowOut]):
    """Released rows in order of day, course and release.

    `as_of` tells the place in the ledger of releases: the log's own position would be an exact
    count of events.
    """

    budget: BudgetOut


class AnalyticsQuery(PageQuery):
    """Which rows."""

    since: date = Field(EARLIEST, description="Rows that end on this day or later.")
    until: date = Field(LATEST, description="Rows that start on this day or earlier.")


class CourseQuery(AnalyticsQuery):
    """Which rows, of which course."""

    course: UUID | None = Field(None, description="Only this course.")


@analytics.get("/daily-actives", responses={200: AnalyticsPage})
@requires(Action.READ_ANALYTICS)
def daily_actives(query: AnalyticsQuery) -> dict[str, Any]:
    """Learners who were active on a day, of the whole institution."""
    return _rows("daily-actives", query)


@analytics.get("/weekly-actives", responses={200: AnalyticsPage})
@requires(Action.READ_ANALYTICS)
def weekly_actives(query: CourseQuery) -> dict[str, Any]:
    """Learners who were active in a course in a week."""
    return _rows("weekly-actives", query, query.course)


@analytics.get("/course-learners", responses={200: AnalyticsPage})
@requires(Action.READ_ANALYTICS)
def course_learners(query: CourseQuery) -> dict[str, Any]:
    """Learners who were active in a course, by the window in which that was stored."""
    return _rows("course-learners", query, query.course)


@analytics.get("/completions", responses={200: AnalyticsPage})
@requires(Action.READ_ANALYTICS)
def completions(query: CourseQuery) -> dict[str, Any]:
    """Learners who completed a course, by the window in which that was stored."""
    return _rows("completions", query, query.course)


@analytics.get("/statements", responses={200: AnalyticsPage})
@requires(Action.READ_ANALYTICS)
def statements(query: AnalyticsQuery) -> dict[str, Any]:
    """Statements of the whole institution, at most 200 of each learner in a release."""
    return _rows("statements", query)


@analytics.get("/budget", responses={200: BudgetOut})
@requires(Action.READ_ANALYTICS)
def budget() -> BudgetOut:
    """What may be spent in this term, what is spent, and what remains."""
    return _budget(services().analytics.releases.peek(credential().institution))


def _rows(stream: str, query: AnalyticsQuery, course: UUID | None = None) -> dict[str, Any]:
    pipeline, institution = services().analytics, credential().institution
    after = query.after()
    found = released_page(
        pipeline.client,
        institution,
        stream,
        limit=query.limit + 1,
        after=Place(date.fromisoformat(after[0]), UUID(after[1]), UUID(after[2]))
        if after
        else None,
        course=course,
        since=max(query.since, EARLIEST),
        until=min(query.until, LATEST),
    )
    shown, last = cut(found, query.limit, _place)
    courses = services().activities.describe(
        institution, {row.course for row in shown if row.course}
    )
    ledger = pipeline.releases.peek(institution)
    closing = ledger.closings.get(stream)
    as_of = AsOf(position=ledger.version, time=closing.at if closing else None)
    items = [_shown(row, courses).model_dump(mode="json") for row in shown]
    envelope = page(items, last, as_of)
    return {**envelope, "budget": _budget(ledger).model_dump(mode="json")}


def _place(row: ReleasedRow) -> list[str]:
    return [row.place.start.isoformat(), str(row.place.course), str(row.place.release)]


def _shown(row: ReleasedRow, courses: dict[UUID, Described]) -> RowOut:
    return RowOut(
        release=row.release,
        course=_course(row.course, courses.get(row.course)) if row.course else None,
        start=row.start,
        end=row.end,
        value=row.value,
        sigma=row.sigma,
        low=row.low,
        high=row.high,
        bound=row.bound,
        rho=row.rho,
        released_at=row.closed_at,
    )


def _course(course: UUID, known: Described | None) -> CourseOut:
    return CourseOut(
        id=course, iri=known.iri if known else None, name=known.name() if known else None
    )


def _budget(ledger: Ledger) -> BudgetOut:
    settings = services().settings
    return BudgetOut(
        term=ledger.allocated.term,
        total=ledger.allocated.rho,
        spent=ledger.rho_spent,
        remaining=max(0.0, ledger.rho_left),
        epsilon=settings.epsilon,
        delta=settings.delta,
        epsilon_spent=epsilon(ledger.rho_spent, settings.delta),
        releases=len(ledger.spent),
    )
