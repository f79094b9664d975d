"""`/xapi/activities`: an Activity as all statements together describe it.

1.0.3 Communication 2.5; 2.0.0 4.1.6.4. One that no statement named is answered too (2.0.0 demands
it, 1.0.3 recommends it): all that is known of it is its id.
"""

from typing import Any

from flask import Blueprint, Response

from api.authentication import credential
from api.authorisation import requires
from api.requests import single_values
from api.services import services
from api.xapi import headers
from api.xapi.parameters import iri, only, required
from api.xapi.responses import json
from domain.roles import Action

activities = Blueprint("activities", __name__, url_prefix="/xapi/activities")
headers.guard(activities)


@activities.get("")
@requires(Action.READ_ACTIVITIES)
def read() -> Response:
    """Returns the Activity."""
    given = single_values()
    only(given, ("activityId",))
    name = required(given, "activityId", iri)
    catalogue, institution = services().activities, credential().institution
    identity = catalogue.identify(institution, name)
    described = catalogue.describe(institution, [identity]).get(identity)
    activity: dict[str, Any] = {"objectType": "Activity", "id": name}
    if described is not None and described.definition:
        activity["definition"] = described.definition
    return json(activity)
