"""`python -m infra.dictionary FOLDER`: trains the next compression dictionary of statements.

From the demo course and from statements made of public vocabulary (ADL, cmi5, video and SCORM
profiles, TinCan registry), with people, ids and times made up at random, so that a dictionary,
which every record store carries, says nothing of anybody. The same seed gives the same bytes.
"""

import gzip
import random
import sys
from pathlib import Path
from typing import Any

import orjson
import zstandard

from domain.values.version import Version
from infra.local import demo

Json = dict[str, Any]

SIZE = 32 * 1024
SAMPLES = 24_000
SEED = 20261121

VERBS = (
    *(f"http://adlnet.gov/expapi/verbs/{name}" for name in
      ("answered", "attempted", "attended", "completed", "created", "exited", "experienced",
       "failed", "imported", "initialized", "interacted", "launched", "mastered", "passed",
       "preferred", "progressed", "registered", "responded", "resumed", "scored", "shared",
       "suspended", "terminated", "voided", "logged-in", "logged-out")),
    *(f"https://w3id.org/xapi/adl/verbs/{name}" for name in ("abandoned", "satisfied", "waived")),
    *(f"https://w3id.org/xapi/video/verbs/{name}" for name in ("played", "paused", "seeked")),
    *(f"http://id.tincanapi.com/verb/{name}" for name in ("viewed", "skipped", "replied", "rated")),
    *(f"http://activitystrea.ms/schema/1.0/{name}" for name in
      ("access", "author", "open", "close", "create", "join", "leave", "start", "submit")),
)  # fmt: skip
TYPES = (
    *(f"http://adlnet.gov/expapi/activities/{name}" for name in
      ("assessment", "attempt", "cmi.interaction", "course", "file", "interaction", "lesson",
       "link", "media", "meeting", "module", "objective", "performance", "question", "simulation",
       "survey")),
    "https://w3id.org/xapi/video/activity-type/video",
    "https://w3id.org/xapi/cmi5/activitytype/course",
    "https://w3id.org/xapi/cmi5/activitytype/block",
    "https://w3id.org/xapi/tla/activity-types/competency",
    "http://id.tincanapi.com/activitytype/forum-topic",
    "http://id.tincanapi.com/activitytype/document",
    "http://activitystrea.ms/schema/1.0/page",
)  # fmt: skip
INTERACTIONS = ("choice", "true-false", "fill-in", "long-fill-in", "numeric", "matching", "other")
CATEGORIES = (
    "https://w3id.org/xapi/cmi5/context/categories/cmi5",
    "https://w3id.org/xapi/cmi5/context/categories/moveon",
    "https://w3id.org/xapi/video",
    "https://w3id.org/xapi/scorm",
)
LANGUAGES = ("en", "en-US", "en-GB", "fr", "es", "sw", "de")
HOMES = ("https://lms.example.org", "https://moodle.example.edu", "http://www.example.com")
NUMBERS = (
    "https://w3id.org/xapi/video/extensions/time",
    "https://w3id.org/xapi/video/extensions/time-from",
    "https://w3id.org/xapi/video/extensions/time-to",
    "https://w3id.org/xapi/video/extensions/progress",
    "https://w3id.org/xapi/video/extensions/length",
    "https://w3id.org/xapi/cmi5/result/extensions/progress",
    "http://id.tincanapi.com/extension/attempt-id",
    "http://id.tincanapi.com/extension/duration",
)
TEXTS = (
    "https://w3id.org/xapi/cmi5/context/extensions/sessionid",
    "https://w3id.org/xapi/video/extensions/session-id",
    "https://w3id.org/xapi/video/extensions/played-segments",
    "http://id.tincanapi.com/extension/browser-info",
)


class Maker:
    """Makes statements, as they stand in a body."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - samples, not secrets

    def identifier(self) -> str:
        """Returns a UUID."""
        text = f"{self._random.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def statement(self) -> Json:
        """Returns a statement of public vocabulary."""
        one = self._random.choice
        made: Json = {
            "id": self.identifier(),
            "actor": self._actor(),
            "verb": self._verb(),
            "object": {"objectType": "Activity", **self._activity("activity")},
            "timestamp": self._time(),
        }
        context: Json = {}
        if one((True, False)):
            context["registration"] = self.identifier()
        grouped: Json = {}
        for name in ("parent", "grouping", "category", "other"):
            if one((True, False)):
                grouped[name] = [
                    {"id": one(CATEGORIES)} if name == "category" else self._activity("course")
                ]
        if grouped:
            context["contextActivities"] = grouped
        if one((True, False, False)):
            context |= {"platform": one(("Moodle", "Open edX", "LMS")), "language": one(LANGUAGES)}
        if one((True, False, False)):
            context["extensions"] = {one(TEXTS): self.identifier()}
        if context:
            made["context"] = context
        if one((True, False)):
            made["result"] = self._result()
        return made

    def moved(self, statement: Json) -> Json:
        """Returns a statement of the demo as of somebody else, at another time and place."""
        told = {**statement, "id": self.identifier(), "actor": self._actor()}
        told["timestamp"] = self._time()
        told["object"] = {**statement["object"], "id": self._iri("item")}
        if "registration" in statement.get("context", {}):
            told["context"] = {**statement["context"], "registration": self.identifier()}
        return told

    def body(self, statement: Json) -> bytes:
        """Returns the body as the record store would write it."""
        version = self._random.choice(("1.0.0", "1.0.3", str(Version.V2_0_0)))
        account = {"homePage": "https://lrs.kumbuka.example/credentials", "name": self._word(16)}
        whole = {
            **statement,
            "authority": {"objectType": "Agent", "account": account},
            "version": version,
        }
        people = [["/actor", 1, self._word(32)], ["/authority", 5, self._word(32)]]
        return orjson.dumps({"statement": whole, "version": version, "people": people})

    def _actor(self) -> Json:
        name, home = self._word(12), self._random.choice(HOMES)
        return self._random.choice(
            (
                {"objectType": "Agent", "account": {"homePage": home, "name": name}},
                {"account": {"name": self.identifier(), "homePage": home}, "objectType": "Agent"},
                {"objectType": "Agent", "mbox": f"mailto:{name}@example.org"},
                {"name": name, "mbox": f"mailto:{name}@example.com"},
                {"objectType": "Agent", "mbox_sha1sum": self._word(40)},
            )
        )

    def _verb(self) -> Json:
        iri = self._random.choice(VERBS)
        return {"id": iri, "display": {self._random.choice(LANGUAGES): iri.rsplit("/", 1)[1]}}

    def _activity(self, kind: str) -> Json:
        one = self._random.choice
        definition: Json = {"type": one(TYPES)}
        if one((True, False)):
            definition["name"] = {one(LANGUAGES): self._word(8)}
        if one((True, False, False)):
            definition["description"] = {one(LANGUAGES): self._word(24)}
        if one((True, False, False)):
            definition["interactionType"] = one(INTERACTIONS)
            definition["correctResponsesPattern"] = [self._word(2)]
        return {"id": self._iri(kind), "definition": definition}

    def _result(self) -> Json:
        one, number = self._random.choice, self._random.random()
        result: Json = {}
        if one((True, False)):
            result |= {"success": one((True, False)), "completion": one((True, False))}
        if one((True, False)):
            score = {"scaled": round(number, 2), "raw": round(number * 100), "min": 0, "max": 100}
            result["score"] = dict(list(score.items())[: one((1, 2, 4))])
        if one((True, False)):
            result["duration"] = f"PT{self._random.randrange(600)}S"
        if one((True, False, False)):
            result["response"] = self._word(6)
        if one((True, False, False)):
            result["extensions"] = {one(NUMBERS): round(number * 1000, 3) for _ in range(3)}
        return result

    def _iri(self, kind: str) -> str:
        return f"{self._random.choice(HOMES)}/{kind}/{self._word(12)}"

    def _word(self, length: int) -> str:
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def _time(self) -> str:
        pick = self._random.randrange
        day = f"20{pick(13, 28)}-{pick(1, 13):02}-{pick(1, 29):02}"
        clock = f"{pick(24):02}:{pick(60):02}:{pick(60):02}"
        return f"{day}T{clock}{self._random.choice(('Z', '.000Z', '+00:00', f'.{pick(1000):03}Z'))}"


def train(number: int) -> bytes:
    """Returns the dictionary of this number: its id in the frames that it writes."""
    maker = Maker(SEED)
    with gzip.open(demo.COURSE) as lines:
        course = [orjson.loads(line) for line in lines]
    samples: list[bytes | bytearray | memoryview] = []
    samples += [maker.body(maker.statement()) for _ in range(SAMPLES)]
    samples += [maker.body(maker.moved(one)) for one in course[:: len(course) * 3 // SAMPLES]]
    trained = zstandard.train_dictionary(SIZE, samples, dict_id=number, level=3)
    return trained.as_bytes()


def main() -> None:
    """Writes the next dictionary into the folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(one.stem) for one in folder.glob("*.zdict")), default=0)
    (folder / f"{number:04}.zdict").write_bytes(train(number))


if __name__ == "__main__":
    main()
