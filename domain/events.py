"""The base of every domain event: who it belongs to, where it stands in its stream, when it came.

An event class gives an explicit `TOPIC`, so that the paths of modules never become stored data.
"""

from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from eventsourcing.utils import register_topic
from pydantic import BaseModel, ConfigDict


class Event(BaseModel):
    """An immutable fact of one institution's stream `originator_id`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    TOPIC: ClassVar[str]

    originator_id: UUID
    originator_version: int
    institution: UUID
    at: datetime

    def sealed_for(self) -> UUID:
        """Returns whose key seals it: the institution, unless it belongs to a person."""
        return self.institution

    @classmethod
    def trusted(cls, **fields: Any) -> Self:
        """Returns an event of fields that are known to be right, every one: nothing is checked.

        `model_construct` does the same and looks up defaults: three times the time.
        """
        event = cls.__new__(cls)
        object.__setattr__(event, "__dict__", fields)
        object.__setattr__(event, "__pydantic_fields_set__", set(fields))
        object.__setattr__(event, "__pydantic_extra__", None)
        object.__setattr__(event, "__pydantic_private__", None)
        return event

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "TOPIC" in cls.__dict__:
            register_topic(cls.TOPIC, cls)
