"""Statements to measure with: real ones, as they are or in the shape that a measurement needs.

The three real files (`tests.shared_data`) are one course of OULAD, video events of FUN-MOOC and
answers of ASSISTments; where they are absent, the demo course with other learners stands in.
"""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from random import Random
from typing import Any
from zlib import crc32

import orjson

from infra.local.demo import COURSE
from tests import shared_data

Json = dict[str, Any]

HOME = "https://lms.example.org"
SEED = 5
FILLER = "https://lms.example.org/ext/trace"
GROUPED = 5
"""Members of a Group that acts."""


@dataclass(frozen=True)
class Corpus:
    """The lines of each file, in its order, and what they are."""

    name: str
    files: tuple[list[bytes], ...]

    def batches(self, size: int) -> Iterator[list[Json]]:
        """Yields batches as sources send them: each of one file, in its order; files in turn."""
        feeds = [iter(lines) for lines in self.files]
        while feeds:
            for feed in list(feeds):
                batch = [orjson.loads(line) for line in islice(feed, size)]
                if len(batch) == size:
                    yield batch
                else:
                    feeds.remove(feed)

    def in_order(self, size: int) -> Iterator[Json]:
        """Yields the statements of `batches`; begins again at the end, for ever."""
        while True:
            for batch in self.batches(size):
                yield from batch

    def shuffled(self) -> Iterator[Json]:
        """Yields statements of all files, mixed; begins again at the end, for ever."""
        lines = list(chain.from_iterable(self.files))
        Random(SEED).shuffle(lines)
        while True:
            for line in lines:
                yield orjson.loads(line)


@cache
def corpus() -> Corpus:
    """Returns the real files, or the demo course and why it stands in."""
    absent = shared_data.missing()
    paths = [COURSE] if absent else shared_data.STATEMENTS
    files = []
    for path in paths:
        with gzip.open(path) as lines:
            files.append([line for line in lines if line.strip()])
    if absent:
        return Corpus(f"the demo course ({absent})", tuple(files))
    return Corpus("OULAD, FUN-MOOC and ASSISTments, real", tuple(files))


def among(
    statements: Iterable[Json], actors: int, activities: int, seed: int = SEED
) -> Iterator[Json]:
    """Yields the statements as of so many actors, and about so many activities, drawn at random."""
    draw = Random(seed)
    for statement in statements:
        actor = by(statement, f"learner-{draw.randrange(actors)}")
        target = f"{HOME}/activity/{draw.randrange(activities)}"
        yield {**actor, "object": {**statement["object"], "id": target}}


def by(statement: Json, name: str) -> Json:
    """Returns the statement as of another learner; a registration becomes one of theirs."""
    changed = {
        **statement,
        "actor": {"objectType": "Agent", "account": {"homePage": HOME, "name": name}},
    }
    context = statement.get("context", {})
    if "registration" in context:
        digits = f"{crc32(name.encode()):08x}"
        changed["context"] = {**context, "registration": digits + context["registration"][8:]}
    return changed


def apart(statements: Iterable[Json], mark: str) -> Iterator[Json]:
    """Yields the statements with actors and activities that no other `mark` has."""
    for statement in statements:
        account = statement["actor"].get("account", {})
        own = by(statement, f"{account.get('name', 'learner')}-{mark}")
        context = own.get("context", {})
        around = {
            kind: [{**activity, "id": f"{activity['id']}?{mark}"} for activity in activities]
            for kind, activities in context.get("contextActivities", {}).items()
        }
        yield {
            **own,
            "object": {**own["object"], "id": f"{own['object']['id']}?{mark}"},
            "context": {**context, "contextActivities": around},
        }


def of_groups(statements: Iterable[Json]) -> Iterator[Json]:
    """Yields the statements as of Groups of five: identified and anonymous ones in turn."""
    window: list[Json] = []
    for number, statement in enumerate(statements):
        window = [*window[-GROUPED + 1 :], statement["actor"]]
        members = list({orjson.dumps(member): member for member in window}.values())
        group: Json = {"objectType": "Group", "member": members}
        if number % 2:
            account = {"homePage": HOME, "name": f"group-{number % 1000}"}
            group |= {"name": "A group", "account": account}
        yield {**statement, "actor": group}


def grown(statements: Iterable[Json], size: int) -> Iterator[Json]:
    """Yields statements of `size` bytes or more: an extension of each has the results of others."""
    others: list[Any] = []
    for statement in statements:
        said = {
            name: statement[name] for name in ("verb", "result", "timestamp") if name in statement
        }
        others = [*others[-11:], said]
        length, trace = len(orjson.dumps(statement)) + len(FILLER) + 40, []
        for other in others:
            if length >= size:
                break
            trace.append(other)
            length += len(orjson.dumps(other)) + 1
        context = statement.get("context", {})
        extensions = {**context.get("extensions", {}), FILLER: trace}
        yield {**statement, "context": {**context, "extensions": extensions}}


def mean_size(statements: Sequence[Json]) -> float:
    """Returns the mean bytes of these statements as JSON."""
    return sum(len(orjson.dumps(statement)) for statement in statements) / len(statements)
