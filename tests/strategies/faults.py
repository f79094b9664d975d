"""The faults that can be put into a valid statement: each with its pointer and its rule.

They are found by walking the statement, whose extensions are never touched: anything is valid in
them, but for their keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_IFIS = ("mbox", "mbox_sha1sum", "openid", "account")
_IRIS = {"usageType", "fileUrl", "moreInfo", "type", "homePage"}
_ENUMERATIONS = {"objectType", "interactionType"}
_MAPS = {"display", "description"}
_FORMATS = {
    "timestamp": ("timestamp", "2008-09-15T15:53:00.601-00:00"),
    "stored": ("timestamp", "2015-02-30T10:00:00Z"),
    "duration": ("duration", "P4W1D"),
    "registration": ("uuid", "AA97B177-9383-4934-8543-0F91A7A028368"),
    "language": ("language-tag", "a12345678"),
    "mbox": ("mbox", "mailto:nobody"),
    "mbox_sha1sum": ("sha1", "abc"),
    "openid": ("uri", "id.example.org/me"),
    "sha2": ("sha2", "abc"),
    "contentType": ("media-type", "plain"),
    "version": ("version", "1.1.0"),
    "scaled": ("range", 1.01),
    "length": ("range", -1),
}
_REQUIRED = {"actor", "verb", "homePage", "usageType", "contentType", "length", "sha2"}


@dataclass(frozen=True)
class Fault:
    """A value to be put (or taken away, where `remove`) at `path`; what must then be refused."""

    path: tuple[str | int, ...]
    value: Any
    pointer: str
    rule: str
    remove: bool = False

    def put(self, statement: Json) -> None:
        """Changes `statement`."""
        holder: Any = statement
        for step in self.path[:-1]:
            holder = holder[step]
        if self.remove:
            del holder[self.path[-1]]
        else:
            holder[self.path[-1]] = self.value


def pointer(path: tuple[str | int, ...]) -> str:
    """Returns a path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def faults(statement: Json) -> Iterator[Fault]:
    """Returns the faults that can be put into this statement, each alone."""
    yield from _in_object((), statement)


def _put(path: tuple[str | int, ...], value: Any, rule: str) -> Fault:
    return Fault(path, value, pointer(path), rule)


def _in_object(path: tuple[str | int, ...], holder: Json) -> Iterator[Fault]:
    yield _put((*path, "Actor"), "x", "unknown")
    yield _put((*path, "::~/[key]"), {}, "unknown")
    for name in holder.keys() & _REQUIRED:
        yield Fault((*path, name), None, pointer((*path, name)), "required", remove=True)
    if any(name in holder for name in _IFIS):
        extra = "openid" if "openid" not in holder else "mbox"
        value = "https://id.example.org/" if extra == "openid" else "mailto:x@example.org"
        yield Fault((*path, extra), value, pointer(path), "one-identifier")
    for name, value in holder.items():
        yield from _in_property((*path, name), name, value)


def _in_property(path: tuple[str | int, ...], name: str, value: Any) -> Iterator[Fault]:
    yield _put(path, None, "null")
    if name == "extensions":
        yield _put((*path, "should fail"), True, "iri")
    elif name in _MAPS or (name == "name" and isinstance(value, dict)):
        yield _put((*path, "a12345"), "x", "language-tag")
        yield _put((*path, "en"), 5, "type")
    elif isinstance(value, dict):
        yield _put(path, "should fail", "type")
        yield from _in_object(path, value)
    elif isinstance(value, list):
        yield _put(path, "should fail", "type")
        for index, one in enumerate(value):
            if isinstance(one, dict):
                yield from _in_object((*path, index), one)
    else:
        yield from _in_scalar(path, name, value)


def _in_scalar(path: tuple[str | int, ...], name: str, value: Any) -> Iterator[Fault]:
    if name in _ENUMERATIONS:
        yield _put(path, str(value).swapcase(), "enumeration")
    else:
        yield _put(path, 12345 if isinstance(value, str) else "1", "type")
    if name in _FORMATS:
        rule, bad = _FORMATS[name]
        yield _put(path, bad, rule)
    if name in _IRIS or (name == "id" and isinstance(value, str) and path[-2:-1] == ("verb",)):
        for bad in ("ab=c://should.fail.com", "example.org/no-scheme", "http://a b", ""):
            yield _put(path, bad, "iri")
