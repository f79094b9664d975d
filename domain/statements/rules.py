"""Whether a statement follows the rules of a version of xAPI, strictly.

Two steps: the shape, one model per version (`model`), then what relates one property to another
(`relations`). Repeated keys and numbers that JSON does not have are the parser's business.
"""

from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from domain.errors import Invalid
from domain.statements import model, relations
from domain.statements.refusals import refusal
from domain.values.version import Version

_SHAPES: dict[Version, TypeAdapter[Any]] = {
    Version.V1_0_3: TypeAdapter(model.Statement1),
    Version.V2_0_0: TypeAdapter(model.Statement2),
}
_ACTOR: TypeAdapter[Any] = TypeAdapter(model.Actor)


def validate(statement: object, version: Version) -> None:
    """Raises `Invalid` for the first thing in `statement` that breaks the version's rules.

    Its pointer is relative to the statement; where something is missing, it says where it belongs.
    """
    _shape(_SHAPES[version], statement, version)
    relations.check(cast(dict[str, Any], statement), version)


def validate_actor(agent: object, version: Version) -> None:
    """Raises `Invalid` unless `agent` is an Agent or a Group: what a request's `agent` may be."""
    _shape(_ACTOR, agent, version)
    relations.check_actor(cast(dict[str, Any], agent), version)


def _shape(shape: TypeAdapter[Any], value: object, version: Version) -> None:
    fault: Invalid | None = None
    try:
        shape.validate_python(value)
    except ValidationError as error:
        fault = refusal(error, version)
    if fault is not None:
        raise fault
