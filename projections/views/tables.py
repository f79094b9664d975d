"""Tables of states: read the states of a batch of keys, write them back, each in one statement.

A state class has its columns as fields, in order; nothing here knows what they mean. Rows are read
and written in order of key, so that two writers of a table wait in one direction only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from psycopg import Connection

from projections.enrolments import Day, Enrolment
from projections.mastery import Ability, Evidence, Item, Mastery, Skill
from projections.work import Activity, Work

Key = tuple[Any, ...]
State = TypeVar("State")


@dataclass(frozen=True)
class Table(Generic[State]):
    """A table and the class of its states."""

    name: str
    keys: Mapping[str, str]
    """Columns of the primary key, with their types."""
    columns: Mapping[str, str]
    """The other columns, with their types: the fields of `state`, in order."""
    state: type[State]

    def load(self, connection: Connection[Any], keys: Iterable[Key]) -> dict[Key, State]:
        """Returns the states that there are under `keys`."""
        wanted = sorted(keys)
        if not wanted:
            return {}
        query = (
            f"SELECT {', '.join([*self.keys, *self.columns])} FROM {self.name}"
            f" JOIN unnest({_casts(self.keys)}) AS k ({', '.join(self.keys)})"
            f" USING ({', '.join(self.keys)})"
        )
        columns = [list(column) for column in zip(*wanted, strict=True)]
        cut = len(self.keys)
        rows = connection.execute(query.encode(), columns, binary=True)
        return {row[:cut]: self.state(*row[cut:]) for row in rows}

    def save(self, connection: Connection[Any], states: Mapping[Key, State]) -> None:
        """Writes the states, over those that stand under the same keys."""
        if not states:
            return
        keys = sorted(states)
        everything = {**self.keys, **self.columns}
        # unnest takes arrays apart to the last element: a column of arrays goes as text.
        wire = {name: "text" if _is_array(kind) else kind for name, kind in everything.items()}
        picked = [f"{n}::{kind}" if _is_array(kind) else n for n, kind in everything.items()]
        query = (
            f"INSERT INTO {self.name} ({', '.join(everything)}) SELECT {', '.join(picked)}"
            f" FROM unnest({_casts(wire)}) AS s ({', '.join(everything)})"
            f" ON CONFLICT ({', '.join(self.keys)}) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in self.columns)
        )
        fields = attrgetter(*self.columns)
        parameters: list[Sequence[Any]] = [list(column) for column in zip(*keys, strict=True)]
        parameters += zip(*(fields(states[key]) for key in keys), strict=True)
        connection.execute(
            query.encode(),
            [
                [_literal(value) for value in values] if _is_array(kind) else list(values)
                for kind, values in zip(everything.values(), parameters, strict=True)
            ],
        )


def at(states: dict[Key, State], key: Key, new: type[State]) -> State:
    """Returns the state under `key`, a new one where there is none yet."""
    state = states.get(key)
    if state is None:
        state = states[key] = new()
    return state


def _casts(columns: Mapping[str, str]) -> str:
    return ", ".join(f"%b::{kind}[]" for kind in columns.values())


def _is_array(kind: str) -> bool:
    return kind.endswith("[]")


def _literal(values: Iterable[Any]) -> str:
    return "{" + ",".join(map(str, values)) + "}"


COURSE = {"institution": "uuid", "course": "uuid"}
LEARNER = {**COURSE, "learner": "uuid"}

ENROLMENTS = Table(
    "enrolments",
    LEARNER,
    {
        "registered_at": "timestamptz",
        "registered_by": "uuid",
        "withdrawn_at": "timestamptz",
        "first_active": "timestamptz",
        "last_active": "timestamptz",
        "last_statement": "uuid",
        "first_position": "bigint",
        "last_position": "bigint",
        "statements": "int",
        "evidence": "int",
        "milliseconds": "bigint",
        "completed": "boolean",
        "completed_at": "timestamptz",
        "completed_position": "bigint",
    },
    Enrolment,
)
DAYS = Table(
    "daily_facts",
    {**LEARNER, "day": "date"},
    {"first_position": "bigint", "statements": "int"},
    Day,
)
WORK = Table(
    "work",
    {**LEARNER, "activity": "uuid"},
    {
        "statements": "int",
        "attempts": "int",
        "best": "float8",
        "best_statement": "uuid",
        "evidence_at": "timestamptz",
        "passed_position": "bigint",
        "completed": "boolean",
        "completed_at": "timestamptz",
        "completed_position": "bigint",
        "submitted_at": "timestamptz",
        "submitted_by": "uuid",
        "progress": "float8",
        "length": "float8",
        "segments": "float8[]",
    },
    Work,
)
ACTIVITIES = Table(
    "activities",
    {"partition": "int", **COURSE, "activity": "uuid"},
    {
        "completable": "boolean",
        "weight": "float8",
        "due": "timestamptz",
        "announced_position": "bigint",
    },
    Activity,
)
ABILITIES = Table("abilities", LEARNER, {"theta": "float8", "n": "int"}, Ability)
MASTERY = Table(
    "mastery",
    {**LEARNER, "competency": "uuid"},
    {
        "theta": "float8",
        "n": "int",
        "p": "float8",
        "mastered": "boolean",
        "streak": "int",
        "longest": "int",
        "recent": "uuid[]",
        "last_activity": "uuid",
        "last_at": "timestamptz",
    },
    Mastery,
)
ITEMS = Table(
    "items",
    {**COURSE, "competency": "uuid", "activity": "uuid"},
    {"d": "float8", "n": "int"},
    Item,
)
SKILLS = Table(
    "skills",
    {**COURSE, "competency": "uuid"},
    {"d": "float8", "n": "int", "items": "int", "total": "float8"},
    Skill,
)
EVIDENCE = Table(
    "evidence",
    {"position": "bigint", "competency": "uuid"},
    {
        **LEARNER,
        "activity": "uuid",
        "statement": "uuid",
        "at": "timestamptz",
        "credit": "float8",
        "difficulty": "float8",
        "mean_difficulty": "float8",
    },
    Evidence,
)
