"""Following gives what a query gives, however the log is cut and in whichever order things came."""

from random import Random
from typing import Any
from uuid import UUID

import pytest

from domain.credentials import Credential
from domain.values.version import Version
from lrs import following
from lrs.following import Look
from lrs.queries import Filter
from lrs.services import Services
from tests.integration.lrs.samples import agent, statement, voiding

Json = dict[str, Any]

WANTED = [
    Filter(),
    Filter(verb="http://adlnet.gov/expapi/verbs/passed"),
    Filter(agent=agent("ada")),
    Filter(agent=agent("ada"), verb="http://adlnet.gov/expapi/verbs/passed"),
    Filter(activity="https://lms.example.org/item/2", related_activities=True),
    Filter(agent=agent("bob"), related_agents=True, activity="https://lms.example.org/item/1"),
]


def tangle(random: Random, count: int) -> list[Json]:
    """Returns statements that refer to each other, and void some, in any order."""
    made: list[Json] = []
    for _ in range(count):
        kind = random.random()
        actor = random.choice(["ada", "bob"])
        if made and kind < 0.3:
            target = {"objectType": "StatementRef", "id": random.choice(made)["id"]}
            made.append(statement(actor, random.choice(["liked", "passed"]), object=target))
        elif made and kind < 0.45:
            made.append(voiding(random.choice(made)["id"], actor))
        else:
            verb, item = random.choice(["passed", "failed"]), random.choice("12")
            made.append(statement(actor, verb, item))
    random.shuffle(made)
    return made


def queried(services: Services, institution: UUID, wanted: Filter) -> list[str]:
    page = services.queries.page(institution, wanted, 1000, None)
    return [each["id"] for each in reversed(page.statements)]


def ids(look: Look) -> list[str]:
    return [each.recorded.event.statement["id"] for each in look.found]  # type: ignore[union-attr]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("limit", "window"), [(1, 5000), (7, 3), (1000, 5000)])
def test_in_one_go(
    services: Services,
    tool: Credential,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    limit: int,
    window: int,
) -> None:
    """The log as it is now, in windows and pages of any size."""
    monkeypatch.setattr(following, "WINDOW", window)
    start = services.store.last()
    for each in tangle(Random(seed), 60):
        services.statements.accept(tool, [each], Version.V2_0_0)
    for wanted in WANTED:
        terms = services.queries.terms(tool.institution, wanted)
        assert terms is not None
        reached, came = start, list[str]()
        while reached < services.store.last():
            look = services.follower.look(tool.institution, terms, reached, limit)
            assert reached < look.reached
            reached, came = look.reached, came + ids(look)
        expected = queried(services, tool.institution, wanted)
        assert list(dict.fromkeys(came)) != [] or expected == []
        assert set(came) == set(expected)


@pytest.mark.parametrize("seed", range(3))
def test_as_it_comes(services: Services, tool: Credential, seed: int) -> None:
    """Looking after each statement, and going on where a reader was when it was cut off."""
    random = Random(seed)
    reached = {number: services.store.last() for number in range(len(WANTED))}
    came: dict[int, set[str]] = {number: set() for number in range(len(WANTED))}
    for each in tangle(random, 60):
        services.statements.accept(tool, [each], Version.V2_0_0)
        for number, wanted in enumerate(WANTED):
            terms = services.queries.terms(tool.institution, wanted)
            if terms is None or random.random() < 0.3:
                continue
            look = services.follower.look(tool.institution, terms, reached[number], 50)
            cut = random.randint(0, len(look.found))
            came[number] |= set(ids(look)[:cut])
            whole = cut == len(look.found)
            resume = look.found[cut - 1].resume if cut else reached[number]
            reached[number] = look.reached if whole else max(reached[number], resume)
    for number, wanted in enumerate(WANTED):
        terms = services.queries.terms(tool.institution, wanted)
        assert terms is not None
        came[number] |= set(
            ids(services.follower.look(tool.institution, terms, reached[number], 500))
        )
        assert came[number] >= set(queried(services, tool.institution, wanted))


def test_an_order_without_references_is_that_of_the_log(
    services: Services, tool: Credential
) -> None:
    start = services.store.last()
    sent = [statement() for _ in range(20)]
    services.statements.accept(tool, sent, Version.V2_0_0)
    terms = services.queries.terms(tool.institution, Filter()) or []
    look = services.follower.look(tool.institution, terms, start, 1000)
    assert ids(look) == [each["id"] for each in sent]
    assert [each.resume for each in look.found] == [each.recorded.position for each in look.found]
    assert services.follower.look(tool.institution, terms, look.reached, 9) == Look(
        [], look.reached
    )
