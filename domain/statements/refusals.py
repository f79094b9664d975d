"""A fault in the shape of a statement, in words that a tool's author can act on.

The shapes are in `model`; faults between properties are worded where they are found, in
`relations`.
"""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.errors import Invalid
from domain.statements import model
from domain.statements.sections import section, section_of
from domain.values import duration, identifiers, iri, language_tag
from domain.values.version import Version

# What a text had to be: the rule's name, and the words for people.
_FORMATS = {
    iri.IRI: ("iri", "must be an IRI with a scheme, such as https://example.org/course/1"),
    iri.URI: ("uri", "must be a URI with a scheme"),
    identifiers.UUID: ("uuid", "must be a UUID in standard form"),
    identifiers.MBOX: ("mbox", "must be mailto: and a mail address"),
    identifiers.SHA1: ("sha1", "must be a SHA-1 digest: 40 hex digits"),
    identifiers.SHA2: ("sha2", "must be a SHA-2 digest in hex: 56, 64, 96 or 128 digits"),
    identifiers.MEDIA_TYPE: ("media-type", "must be a media type, such as text/plain"),
    language_tag.LANGUAGE_TAG: ("language-tag", "must be a language tag (RFC 5646)"),
    duration.DURATION: ("duration", "must be an ISO 8601 duration, such as PT4H35M59.14S or P4W"),
    model.VERSION_1_0: ("version", "must be 1.0 or 1.0.x"),
    model.VERSION_2_0: ("version", "must be 1.0.x or 2.0.x"),
}
_UNKNOWN = ("unknown", "is not a property of xAPI here (names are case-sensitive)")
_NULL = ("null", "must not be null: leave the property out")
_KINDS = {
    "missing": ("required", "is required and missing"),
    "too_short": ("empty", "must not be empty"),
    "string_type": ("type", "must be a text"),
    "bool_type": ("type", "must be true or false"),
    "float_type": ("type", "must be a number"),
    "int_type": ("type", "must be a whole number"),
    "int_from_float": ("type", "must be a whole number"),
    "list_type": ("type", "must be an array"),
    "dict_type": ("type", "must be an object"),
    "union_tag_not_found": ("type", "must be an object"),
}
_TIMESTAMPS = {
    Version.V1_0_3: "must be an ISO 8601 date and time, with no offset of -00",
    Version.V2_0_0: "must be an RFC 3339 date and time with its offset, which may not be -00:00",
}


def refusal(fault: ValidationError, version: Version) -> Invalid:
    """Returns the refusal of the first thing that is wrong; its pointer is to the wrong value.

    Where something is missing, the pointer says where it belongs.
    """
    error = fault.errors(include_url=False)[0]
    pointer = _pointer(error)
    if error["type"] == "extra_forbidden":
        return Invalid(pointer, *_UNKNOWN, section(version, "format"))
    if _wrong_value(error) is None:
        return Invalid(pointer, *_NULL, section(version, "format"))
    rule, detail = _explain(error, version)
    return Invalid(pointer, rule, detail, section_of(version, pointer))


def _wrong_value(error: ErrorDetails) -> object:
    """Returns the value at fault; where the kind of an object is, that is its objectType."""
    value = error["input"]
    if error["type"].startswith("union_tag") and isinstance(value, dict):
        return value.get("objectType", "")
    return value


def _pointer(error: ErrorDetails) -> str:
    """Returns the error's place as a JSON pointer (RFC 6901), without the models' own marks."""
    location = list(error["loc"])
    last = [location.pop()] if error["type"] == "extra_forbidden" else []
    if location and location[-1] == "[key]":  # pydantic's mark for a key, after the key itself
        location.pop()
    steps = [step for step in location if not str(step).startswith(model.TAG)] + last
    if error["type"].startswith("union_tag") and isinstance(error["input"], dict):
        steps.append("objectType")
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _explain(error: ErrorDetails, version: Version) -> tuple[str, str]:
    """Returns the rule that was broken, and what to do about it."""
    kind, context = error["type"], error.get("ctx", {})
    match kind:
        case "string_pattern_mismatch":
            return _FORMATS[context["pattern"]]
        case "timestamp":
            return "timestamp", _TIMESTAMPS[version]
        case "literal_error":
            return "enumeration", f"must be {context['expected']} (case-sensitive)"
        case "union_tag_invalid":
            tags = context["expected_tags"].replace(model.TAG, "")
            return "enumeration", f"must be one of {tags} (case-sensitive)"
        case "greater_than_equal" | "less_than_equal":
            return "range", error["msg"].replace("Input should", "must")
    return _KINDS.get(kind, ("format", error["msg"]))
