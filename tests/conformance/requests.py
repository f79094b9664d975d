"""How the resources are asked for in these tests."""

from typing import Any
from uuid import uuid4

STATEMENTS = "/xapi/statements"
ACTIVITIES = "/xapi/activities"
AGENTS = "/xapi/agents"
STATE = "/xapi/activities/state"
ACTIVITY_PROFILE = "/xapi/activities/profile"
AGENT_PROFILE = "/xapi/agents/profile"
DOCUMENTS = (STATE, ACTIVITY_PROFILE, AGENT_PROFILE)

COURSE = "https://courses.example/algebra"


def agent(name: str = "amina") -> dict[str, Any]:
    """Returns an Agent."""
    return {"objectType": "Agent", "mbox": f"mailto:{name}@students.example"}


def named(path: str, **changes: Any) -> dict[str, Any]:
    """Returns parameters that name a document of the resource, a new one unless told."""
    holder = {
        STATE: {"activityId": COURSE, "agent": agent(), "stateId": str(uuid4())},
        ACTIVITY_PROFILE: {"activityId": COURSE, "profileId": str(uuid4())},
        AGENT_PROFILE: {"agent": agent(), "profileId": str(uuid4())},
    }[path]
    merged = {**holder, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def id_name(path: str) -> str:
    """Returns the name of the parameter that is a document's id."""
    return "stateId" if path == STATE else "profileId"
