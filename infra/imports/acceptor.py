"""Has a batch recorded by the ordinary write path, and finds which of its statements are refused.

Recording is all or nothing; so when a batch is refused, what is at fault is taken out, or the batch
is halved, until everything else is recorded.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from domain.credentials import Credential
from domain.errors import Conflict, Erased, Error, Invalid, Overloaded
from domain.statements.pointers import impersonal
from domain.statements.tolerance import Tolerated, check
from domain.values.version import Version
from infra.imports.records import Record
from lrs.services import Services

PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement was not recorded. Names no person and repeats no value of the statement."""

    number: int
    id: str | None
    pointer: str
    rule: str
    detail: str
    section: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of some records: every one is in exactly one of the three."""

    accepted: int = 0
    present: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Adds what became of others."""
        self.accepted += other.accepted
        self.present += other.present
        self.refused += other.refused


class Acceptor:
    """Records statements in the name of one credential. Thread-safe.

    A store without room is asked again for `patience` seconds before the import gives up.
    """

    def __init__(
        self, services: Services, credential: Credential, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._services = services
        self._credential = credential
        self._patience = patience
        self._default = Version(services.settings.default_xapi_version)

    def submit(self, records: Sequence[Record]) -> Outcome:
        """Returns what became of the records; raises Overloaded when the store stays away."""
        outcome = Outcome()
        by_version: dict[Version, list[Record]] = {}
        for record in records:
            if record.fault is not None:
                outcome.refused.append(_refused(record, record.fault))
            else:
                by_version.setdefault(self._version(record.statement), []).append(record)
        for version, batch in by_version.items():
            self._record(batch, version, outcome)
        return outcome

    def _version(self, statement: object) -> Version:
        """Returns the version whose rules a statement asks for; the default where it says none."""
        said = statement.get("version") if isinstance(statement, dict) else None
        if not isinstance(said, str):
            return self._default
        return Version.V1_0_3 if said.startswith("1.") else Version.V2_0_0

    def _record(self, batch: list[Record], version: Version, outcome: Outcome) -> None:
        """Records the batch, or as much of it as can be, and adds to the outcome."""
        waiting = [batch]
        while waiting:
            part = waiting.pop()
            before = self._services.store.last()
            try:
                positions = self._accept(part, version)
            except (Invalid, Conflict, Erased) as refusal:
                if len(part) == 1:
                    outcome.refused.append(_refused(part[0], _within(refusal)))
                    continue
                tolerance = self._credential.tolerance
                sound = _without_faults(part, version, tolerance, refusal, outcome)
                if len(sound) < len(part):
                    waiting += [sound] if sound else []
                else:
                    half = len(part) // 2
                    waiting += [part[half:], part[:half]]
            else:
                fresh = sum(position > before for position in positions)
                outcome.accepted += fresh
                outcome.present += len(part) - fresh

    def _accept(self, part: list[Record], version: Version) -> list[int]:
        """Returns the positions; while the store has no room, waits as it asks, and more."""
        give_up = time.monotonic() + self._patience
        pause = 0.0
        while True:
            try:
                return self._services.statements.accept(
                    self._credential, [record.statement for record in part], version
                ).positions
            except Overloaded as overloaded:
                if time.monotonic() > give_up:
                    raise
                pause = min(15.0, max(2 * pause, overloaded.retry_after))
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only spreads callers


def _without_faults(
    part: list[Record],
    version: Version,
    tolerance: frozenset[Tolerated],
    refusal: Error,
    outcome: Outcome,
) -> list[Record]:
    """Returns the records that are not at fault by themselves; adds the others to the outcome.

    All of them come back where the refusal does not say which are meant.
    """
    sound = []
    named = frozenset(refusal.ids if isinstance(refusal, Conflict) else ())
    for record in part:
        try:
            if isinstance(refusal, Invalid):
                check(record.statement, version, tolerance)
        except Invalid as fault:
            outcome.refused.append(_refused(record, fault))
            continue
        if named and str(UUID(record.statement["id"])) in named:
            outcome.refused.append(_refused(record, refusal))
        else:
            sound.append(record)
    return sound


def _refused(record: Record, refusal: Error) -> Refusal:
    """Returns the refusal of one record; pointers are relative to its statement."""
    number, statement_id = record.number, _id(record.statement)
    match refusal:
        case Invalid(pointer=pointer, rule=rule, detail=detail, section=section):
            if rule == "repeated-key":  # the detail names the key
                detail = "a key stands twice in one object"
            return Refusal(number, statement_id, impersonal(pointer), rule, detail, section)
        case Erased(pointer=pointer):
            detail = "this person was erased and may not be recorded again"
            return Refusal(number, statement_id, pointer, "erased", detail)
        case _:
            detail = "another statement stands under this id"
            return Refusal(number, statement_id, "/id", "conflict", detail)


def _within(refusal: Error) -> Error:
    """Returns the refusal of a batch of one, with its pointer as the statement's own."""
    match refusal:
        case Invalid(pointer=pointer, rule=rule, detail=detail, section=section):
            return Invalid(pointer.removeprefix("/0"), rule, detail, section)
        case Erased(pointer=pointer):
            return Erased(pointer.removeprefix("/0"))
    return refusal


def _id(statement: object) -> str | None:
    """Returns the statement's id if it has a proper one; anything else could be somebody's name."""
    try:
        return str(UUID(statement["id"])) if isinstance(statement, dict) else None
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
