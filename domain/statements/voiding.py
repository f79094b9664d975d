"""Which statement voids which: the decision alone (1.0.3 Data 2.3.2, 2.0.0 4.2.5).

A statement is voided if and only if it is not a voiding statement itself and some voiding
statement refers to it. Arrival order plays no part: a void may come before its target, and one
whose target never comes is as valid as any.
"""

from typing import Any
from uuid import UUID

from domain.statements.references import is_voiding, target

Json = dict[str, Any]


def voids(statement: Json) -> UUID | None:
    """Returns the id of the statement that this one voids, once that is here; None for others."""
    return target(statement) if is_voiding(statement) else None


def can_be_voided(statement: Json) -> bool:
    """Whether a void takes effect on this statement: on every one that does not void another."""
    return not is_voiding(statement)
