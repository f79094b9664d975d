"""The shape of a statement: its properties, their types and formats, one model per version.

pydantic checks these models strictly: nothing is coerced, nothing unknown passes, null is no value.
What relates one property to another is in `relations`; `rules` puts both together. The models are
typed dictionaries, so that a statement stays exactly what was sent.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NotRequired, TypeAlias

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    with_config,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from domain.values.duration import DURATION
from domain.values.identifiers import MBOX, MEDIA_TYPE, SHA1, SHA2, UUID
from domain.values.iri import IRI, URI
from domain.values.language_tag import LANGUAGE_TAG
from domain.values.timestamp import is_timestamp
from domain.values.version import Version

# Tags stand in the locations of errors; no property of xAPI begins like this.
TAG: Final = "::"

VERSION_1_0: Final = r"^1\.0(?:\.[0-9]+)?$"
VERSION_2_0: Final = r"^[12]\.0(?:\.[0-9]+)?$"  # 2.0.0 keeps accepting statements made for 1.0.x

_Iri = Annotated[str, Field(pattern=IRI)]
_Uuid = Annotated[str, Field(pattern=UUID)]
_LanguageTag = Annotated[str, Field(pattern=LANGUAGE_TAG)]
_LanguageMap = dict[_LanguageTag, str]
_Extensions = dict[_Iri, Any]  # values may be anything, null included (1.0.3 Data 4.1)
_strict = with_config(ConfigDict(strict=True, extra="forbid"))


def _moment(version: Version) -> Callable[[str], str]:
    def check(text: str) -> str:
        if is_timestamp(text, version):
            return text
        raise PydanticCustomError("timestamp", "not a timestamp")

    return check


_Timestamp1 = Annotated[str, AfterValidator(_moment(Version.V1_0_3))]
_Timestamp2 = Annotated[str, AfterValidator(_moment(Version.V2_0_0))]


def _kind(default: str) -> Discriminator:
    """Returns what tells the alternatives of an object apart: its objectType, or its default."""

    def tag(value: Any) -> str | None:
        return f"{TAG}{value.get('objectType', default)}" if isinstance(value, dict) else None

    return Discriminator(tag)


def _one_or_many(value: Any) -> str:
    return f"{TAG}one" if isinstance(value, dict) else f"{TAG}many"


@_strict
class Account(TypedDict):
    homePage: _Iri
    name: str


class _Identified(TypedDict):
    name: NotRequired[str]
    mbox: NotRequired[Annotated[str, Field(pattern=MBOX)]]
    mbox_sha1sum: NotRequired[Annotated[str, Field(pattern=SHA1)]]
    openid: NotRequired[Annotated[str, Field(pattern=URI)]]
    account: NotRequired[Account]


@_strict
class Agent(_Identified):
    objectType: NotRequired[Literal["Agent"]]


@_strict
class Group(_Identified):
    objectType: Literal["Group"]
    member: NotRequired[list[Agent]]


Actor: TypeAlias = Annotated[
    Annotated[Agent, Tag("::Agent")] | Annotated[Group, Tag("::Group")], _kind("Agent")
]


@_strict
class Verb(TypedDict):
    id: _Iri
    display: NotRequired[_LanguageMap]


@_strict
class Component(TypedDict):
    id: str
    description: NotRequired[_LanguageMap]


@_strict
class Definition(TypedDict):
    name: NotRequired[_LanguageMap]
    description: NotRequired[_LanguageMap]
    type: NotRequired[_Iri]
    moreInfo: NotRequired[_Iri]
    extensions: NotRequired[_Extensions]
    interactionType: NotRequired[
        Literal[
            "true-false",
            "choice",
            "fill-in",
            "long-fill-in",
            "matching",
            "performance",
            "sequencing",
            "likert",
            "numeric",
            "other",
        ]
    ]
    correctResponsesPattern: NotRequired[list[str]]
    choices: NotRequired[list[Component]]
    scale: NotRequired[list[Component]]
    source: NotRequired[list[Component]]
    target: NotRequired[list[Component]]
    steps: NotRequired[list[Component]]


@_strict
class Activity(TypedDict):
    objectType: NotRequired[Literal["Activity"]]
    id: _Iri
    definition: NotRequired[Definition]


@_strict
class StatementRef(TypedDict):
    objectType: Literal["StatementRef"]
    id: _Uuid


@_strict
class Score(TypedDict):
    scaled: NotRequired[Annotated[float, Field(ge=-1, le=1)]]
    raw: NotRequired[float]
    min: NotRequired[float]
    max: NotRequired[float]


@_strict
class Result(TypedDict):
    score: NotRequired[Score]
    success: NotRequired[bool]
    completion: NotRequired[bool]
    response: NotRequired[str]
    duration: NotRequired[Annotated[str, Field(pattern=DURATION)]]
    extensions: NotRequired[_Extensions]


_Activities: TypeAlias = Annotated[
    Annotated[list[Activity], Tag("::many")] | Annotated[Activity, Tag("::one")],
    Discriminator(_one_or_many),
]


@_strict
class ContextActivities(TypedDict):
    parent: NotRequired[_Activities]
    grouping: NotRequired[_Activities]
    category: NotRequired[_Activities]
    other: NotRequired[_Activities]


@_strict
class Context1(TypedDict):
    registration: NotRequired[_Uuid]
    instructor: NotRequired[Actor]
    team: NotRequired[Group]
    contextActivities: NotRequired[ContextActivities]
    revision: NotRequired[str]
    platform: NotRequired[str]
    language: NotRequired[_LanguageTag]
    statement: NotRequired[StatementRef]
    extensions: NotRequired[_Extensions]


@_strict
class ContextAgent(TypedDict):
    objectType: Literal["contextAgent"]
    agent: Agent
    relevantTypes: NotRequired[Annotated[list[_Iri], Field(min_length=1)]]


@_strict
class ContextGroup(TypedDict):
    objectType: Literal["contextGroup"]
    group: Group
    relevantTypes: NotRequired[Annotated[list[_Iri], Field(min_length=1)]]


@_strict
class Context2(Context1):
    contextAgents: NotRequired[list[ContextAgent]]
    contextGroups: NotRequired[list[ContextGroup]]


@_strict
class Attachment(TypedDict):
    usageType: _Iri
    display: _LanguageMap
    description: NotRequired[_LanguageMap]
    contentType: Annotated[str, Field(pattern=MEDIA_TYPE)]
    length: Annotated[int, Field(ge=0)]
    sha2: Annotated[str, Field(pattern=SHA2)]
    fileUrl: NotRequired[_Iri]


# What a SubStatement may have as its object: everything but a SubStatement.
_Thing: TypeAlias = (
    Annotated[Activity, Tag("::Activity")]
    | Annotated[Agent, Tag("::Agent")]
    | Annotated[Group, Tag("::Group")]
    | Annotated[StatementRef, Tag("::StatementRef")]
)


class _Told(TypedDict):
    actor: Actor
    verb: Verb
    result: NotRequired[Result]
    attachments: NotRequired[list[Attachment]]


@_strict
class SubStatement1(_Told):
    objectType: Literal["SubStatement"]
    object: Annotated[_Thing, _kind("Activity")]
    context: NotRequired[Context1]
    timestamp: NotRequired[_Timestamp1]


@_strict
class SubStatement2(_Told):
    objectType: Literal["SubStatement"]
    object: Annotated[_Thing, _kind("Activity")]
    context: NotRequired[Context2]
    timestamp: NotRequired[_Timestamp2]


@_strict
class Statement1(_Told):
    id: NotRequired[_Uuid]
    object: Annotated[_Thing | Annotated[SubStatement1, Tag("::SubStatement")], _kind("Activity")]
    context: NotRequired[Context1]
    timestamp: NotRequired[_Timestamp1]
    stored: NotRequired[_Timestamp1]
    authority: NotRequired[Actor]
    version: NotRequired[Annotated[str, Field(pattern=VERSION_1_0)]]


@_strict
class Statement2(_Told):
    id: NotRequired[_Uuid]
    object: Annotated[_Thing | Annotated[SubStatement2, Tag("::SubStatement")], _kind("Activity")]
    context: NotRequired[Context2]
    timestamp: NotRequired[_Timestamp2]
    stored: NotRequired[_Timestamp2]
    authority: NotRequired[Actor]
    version: NotRequired[Annotated[str, Field(pattern=VERSION_2_0)]]
