"""`/xapi/agents`: the Person whom an Agent stands for (1.0.3 Communication 2.4; 2.0.0 4.1.6.3).

Different identifiers are never taken for one person: only the names differ that statements and the
request give to the one identifier asked for.
"""

from typing import Any

from flask import Blueprint, Response

from api.authentication import credential
from api.authorisation import requires
from api.requests import single_values
from api.services import services
from api.xapi import headers
from api.xapi.parameters import agent, only, required
from api.xapi.responses import json
from domain.people import IFIS, canonical_ifi, named
from domain.roles import Action
from lrs.queries import Filter

RECENT = 50
"""Statements that are looked through for names, newest first."""

agents = Blueprint("agents", __name__, url_prefix="/xapi/agents")
headers.guard(agents)


@agents.get("")
@requires(Action.READ_AGENTS)
def read() -> Response:
    """Returns the Person; one whom no statement named too."""
    given = single_values()
    only(given, ("agent",))
    asked = required(given, "agent", agent)
    person: dict[str, Any] = {"objectType": "Person"}
    if names := _names(asked):
        person["name"] = names
    person |= {name: [asked[name]] for name in IFIS if name in asked}
    return json(person)


def _names(asked: dict[str, Any]) -> list[str]:
    """Returns the names given to this identifier, the one of the request first, each once."""
    wanted = Filter(agent=asked, related_agents=True)
    page = services().queries.page(credential().institution, wanted, RECENT, None)
    identifier = canonical_ifi(asked)
    agents = [asked] + [
        one.agent
        for statement in page.statements
        for one in named(statement)
        if one.ifi == identifier
    ]
    return list(dict.fromkeys(one["name"] for one in agents if one.get("name")))
