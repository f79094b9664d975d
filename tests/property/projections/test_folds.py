"""Folds that claim to be free of order are, and none depends on how its input is cut."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.learning.facts import Fact, Verb
from projections.enrolments import Day, Enrolment
from projections.messages import Kind, Message, decode, encode
from projections.work import Activity, Work
from tests.learning import INSTITUTION, START, fact

shares = st.none() | st.floats(0, 1)


@st.composite
def many(draw: st.DrawFn) -> list[Fact]:
    """Facts of one learner, at positions from 1 on."""
    values = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "verb": st.sampled_from(Verb),
                    "minute": st.integers(0, 5000),
                    "activity": st.sampled_from(["course", "quiz"]),
                    "credit": shares,
                    "score": shares,
                    "passed": st.none() | st.booleans(),
                    "completion": st.none() | st.booleans(),
                    "progress": shares,
                    "seconds": st.none() | st.floats(0, 1e6),
                    "length": st.none() | st.floats(0, 1e5),
                    "segments": st.sampled_from([(), (0.0, 5.0), (3.0, 9.0, 20.0, 21.5)]),
                    "weight": st.none() | st.floats(0, 100),
                    "due": st.none() | st.just(START),
                }
            ),
            min_size=1,
            max_size=12,
        )
    )
    return [fact(number, **value) for number, value in enumerate(values, 1)]


def folded(state: Any, facts: list[Fact]) -> Any:
    for one in facts:
        state.fold(one)
    return state


@given(many(), st.randoms(use_true_random=False))
def test_enrolments_and_days_are_free_of_order(facts: list[Fact], random: Any) -> None:
    shuffled = random.sample(facts, len(facts))
    assert folded(Enrolment(), facts) == folded(Enrolment(), shuffled)
    assert folded(Day(), facts) == folded(Day(), shuffled)
    assert folded(Activity(), facts) == folded(Activity(), shuffled)


@given(many(), st.randoms(use_true_random=False))
def test_work_is_free_of_order_but_for_attempts(facts: list[Fact], random: Any) -> None:
    there, back = folded(Work(), facts), folded(Work(), random.sample(facts, len(facts)))
    for state in (there, back):
        state.attempts, state.evidence_at = 0, None
    assert there == back


@given(many())
def test_progress_only_grows(facts: list[Fact]) -> None:
    state, best, played = Work(), 0.0, 0.0
    for one in facts:
        state.fold(one)
        now = sum(state.segments[1::2]) - sum(state.segments[::2])
        assert (state.best or 0) >= best
        assert now >= played
        best, played = state.best or 0, now


@given(many())
def test_every_fact_survives_the_wire(facts: list[Fact]) -> None:
    for one in facts:
        time = START + timedelta(seconds=one.position)
        sent = Message(Kind.FACT, one.position, 0, time, INSTITUTION, one.learner, fact=one)
        assert decode(encode(sent)).fact == one
