"""Statements and documents with a marker in every field that can carry a word of a person's.

A marker is the run's prefix and the name of its field, so that what is found says where it came
from. `identifiers` are the values whose unkeyed digests must not be found either.
"""

from hashlib import md5, sha1, sha256
from typing import Any
from uuid import uuid4

Json = dict[str, Any]


class Markers:
    """Makes markers of one prefix (lower-case letters), and what bears them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.identifiers: list[str] = []

    def word(self, field: str) -> str:
        """A marker."""
        return f"{self.prefix}{field}"

    def iri(self, field: str) -> str:
        """An IRI with a marker."""
        return f"https://{self.prefix}.example/{self.word(field)}"

    def texts(self, field: str) -> Json:
        """A language map with markers."""
        return {"en": self.word(f"{field}en"), "fr": self.word(f"{field}fr")}

    def extensions(self, field: str) -> Json:
        """Extensions with markers in keys and values at every depth."""
        key = self.iri(f"{field}key")
        return {key: {self.word(f"{field}in"): [self.word(f"{field}value")]}, f"{key}2": 7}

    def mbox(self, field: str) -> Json:
        """An Agent with an address and a name."""
        self.identifiers.append(address := f"mailto:{self.word(field)}@students.example")
        return {"objectType": "Agent", "name": self.word(f"{field}name"), "mbox": address}

    def account(self, field: str) -> Json:
        """An Agent with an account."""
        home, name = self.iri(f"{field}home"), self.word(field)
        self.identifiers += [name, f"account:{len(home)}:{home}{name}"]
        return {"name": self.word(f"{field}name"), "account": {"homePage": home, "name": name}}

    def openid(self, field: str) -> Json:
        """An Agent with an OpenID."""
        self.identifiers.append(value := self.iri(field))
        return {"name": self.word(f"{field}name"), "openid": value}

    def hashed(self, field: str) -> Json:
        """An Agent with a hashed address; the hash itself must not be found."""
        self.identifiers.append(address := f"mailto:{self.word(field)}@students.example")
        return {"mbox_sha1sum": sha1(address.encode()).hexdigest()}

    def group(self, field: str) -> Json:
        """An anonymous Group."""
        members = [self.mbox(f"{field}a"), self.account(f"{field}b"), self.hashed(f"{field}c")]
        return {"objectType": "Group", "name": self.word(f"{field}name"), "member": members}

    def activity(self, field: str) -> Json:
        """An Activity with a definition of every kind."""
        return {
            "objectType": "Activity",
            "id": self.iri(field),
            "definition": {
                "name": self.texts(f"{field}title"),
                "description": self.texts(f"{field}description"),
                "type": self.iri(f"{field}type"),
                "moreInfo": self.iri(f"{field}more"),
                "interactionType": "choice",
                "correctResponsesPattern": [self.word(f"{field}pattern")],
                "choices": [
                    {"id": self.word(f"{field}choice"), "description": self.texts(f"{field}said")}
                ],
                "extensions": self.extensions(f"{field}definition"),
            },
        }

    def attachment(self, field: str) -> Json:
        """An attachment that is elsewhere."""
        return {
            "usageType": self.iri(f"{field}usage"),
            "display": self.texts(f"{field}display"),
            "description": self.texts(f"{field}about"),
            "contentType": "text/plain",
            "length": 3,
            "sha2": sha256(self.word(field).encode()).hexdigest(),
            "fileUrl": self.iri(f"{field}url"),
        }

    def result(self, field: str) -> Json:
        """A result with an answer."""
        return {
            "score": {"scaled": 0.5},
            "success": True,
            "completion": True,
            "response": self.word(f"{field}response"),
            "duration": "PT1M",
            "extensions": self.extensions(f"{field}result"),
        }

    def context(self, field: str) -> Json:
        """A context with everything in it."""
        grouped = ("parent", "grouping", "category", "other")
        return {
            "registration": str(uuid4()),
            "instructor": self.account(f"{field}instructor"),
            "team": self.group(f"{field}team"),
            "contextActivities": {n: [self.activity(f"{field}{n}")] for n in grouped},
            "revision": self.word(f"{field}revision"),
            "platform": self.word(f"{field}platform"),
            "language": "en",
            "extensions": self.extensions(f"{field}context"),
        }

    def statement(self, actor: Json, target: Json, field: str) -> Json:
        """A statement with an id of its own."""
        context = self.context(field)
        if target.get("objectType") != "Activity":
            del context["revision"], context["platform"]
        return {
            "id": str(uuid4()),
            "actor": actor,
            "verb": {"id": self.iri(f"{field}verb"), "display": self.texts(f"{field}verb")},
            "object": target,
            "result": self.result(field),
            "context": context,
            "attachments": [self.attachment(f"{field}file")],
            "timestamp": "2026-03-01T08:00:00Z",
        }

    def statements(self) -> list[Json]:
        """Statements of every shape."""
        about = self.statement(self.openid("innerowner"), self.activity("innerobject"), "inner")
        inner = {name: about[name] for name in ("actor", "verb", "object", "result", "context")}
        return [
            self.statement(self.mbox("mbox"), self.activity("object"), "one"),
            self.statement(self.account("account"), self.mbox("target"), "two"),
            self.statement(self.openid("openid"), self.group("many"), "three"),
            self.statement(self.hashed("hashed"), {"objectType": "SubStatement", **inner}, "four"),
            self.statement(self.group("together"), self.activity("object"), "five"),
            self.statement(
                self.group("identified") | self.account("class"), self.activity("x"), "six"
            ),
        ]

    def digests(self) -> dict[bytes, str]:
        """Returns the unkeyed digests of all identifiers, raw and in hexadecimal."""
        found: dict[bytes, str] = {}
        for value in self.identifiers:
            for digest in (md5, sha1, sha256):
                made = digest(value.encode())
                found[made.digest()] = found[made.hexdigest().encode()] = f"{made.name} of {value}"
        return found
