"""Multi-Elo: what is claimed, when it is lost, what is one submission."""

from projections.mastery import Ability, Item, Mastery, Skill, fold, sigmoid
from tests.learning import fact


class Learner:
    """Answers questions of one competency, each an item of its own."""

    def __init__(self) -> None:
        self.ability, self.mastery, self.skill = Ability(), Mastery(), Skill()
        self.position = 0

    def answers(self, *credits: float) -> Mastery:
        for credit in credits:
            self.position += 1
            given = fact(self.position, activity=f"item {self.position}", credit=credit)
            fold(given, self.ability, self.mastery, Item(), self.skill)
        return self.mastery


def test_three_right_answers_at_least() -> None:
    learner = Learner()
    assert not learner.answers(1, 1).mastered
    while not learner.answers(1).mastered:
        assert learner.mastery.n < 10
    assert learner.mastery.n >= 3
    assert learner.mastery.p >= 0.80


def test_mastery_is_lost_below_the_lower_bound_only() -> None:
    learner = Learner()
    learner.answers(*[1] * 8)
    while learner.answers(0).p >= 0.65:
        assert learner.mastery.mastered
    assert not learner.mastery.mastered


def test_a_hard_item_teaches_its_difficulty_and_the_sum_is_kept() -> None:
    skill, items = Skill(), [Item(), Item()]
    for number in range(40):
        which = number % 2
        answer = fact(
            number + 1, learner=f"l{number}", activity=f"i{which}", credit=float(which == 0)
        )
        fold(answer, Ability(), Mastery(), items[which], skill)
    assert items[0].d < 0 < items[1].d
    assert skill.items == 2
    assert abs(skill.total - (items[0].d + items[1].d)) < 1e-9


def test_statements_of_one_submission_are_one_answer() -> None:
    states = Ability(), Mastery(), Item(), Skill()
    assert fold(fact(1, credit=1.0, minute=0), *states) is not None
    assert fold(fact(2, credit=0.0, minute=1 / 6), *states) is None
    assert fold(fact(3, credit=0.0, minute=1), *states) is not None
    assert states[1].n == 2


def test_partial_credit_breaks_the_row_of_right_answers() -> None:
    mastery = Learner().answers(1, 1, 0.5, 1)
    assert (mastery.streak, mastery.longest) == (1, 2)
    assert len(mastery.recent) == 3


def test_sigmoid_of_anything() -> None:
    assert sigmoid(-1e9) == 0.0
    assert sigmoid(0) == 0.5
    assert sigmoid(1e9) == 1.0
