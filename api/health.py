"""`/health/live`: this process answers. `/health/ready`: so does each part that it needs.

Ready is 503 when this API could answer nothing (no event log, no keys). When a later stage is away
statements are still accepted and reads still given, so that is 200 and "degraded": a load balancer
must not take the API away with it. `?all=true` is 503 then too, for whoever waits for everything.
"""

from typing import Any

from flask import Blueprint, current_app, request

from api.authentication import authenticate
from api.authorisation import public
from api.parts import Part, Parts
from api.services import services
from domain.roles import Action

health = Blueprint("health", __name__, url_prefix="/health")

EXTENSION = "kumbuka_parts"


@health.get("/live")
@public
def live() -> dict[str, str]:
    """Returns that this process answers."""
    return {"status": "alive"}


@health.get("/ready")
@public
def ready() -> tuple[dict[str, Any], int]:
    """Returns each part; log positions, which tell of volumes, to operators only."""
    found = parts()
    everything = all(part.well for part in found)
    enough = all(part.well for part in found if part.needed)
    demanded = everything if request.args.get("all") == "true" else enough
    status = "ready" if everything else "degraded" if enough else "unready"
    detailed = sees_positions()
    shown = {part.name: _shown(part, detailed) for part in found}
    return {"status": status, "parts": shown}, 200 if demanded else 503


def parts() -> list[Part]:
    """Returns every part as it was within the last second."""
    looker = current_app.extensions.setdefault(EXTENSION, Parts(services()))
    assert isinstance(looker, Parts)
    return looker.look()


def sees_positions() -> bool:
    """Returns whether the caller showed an operator's credentials; they are never asked for."""
    if "Authorization" not in request.headers:
        return False
    return authenticate().may(Action.SEE_OPERATION)


def _shown(part: Part, detailed: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"well": part.well, "needed": part.needed, "detail": part.detail}
    if part.behind is not None:
        shown |= {"behind": part.behind, "seconds": part.seconds}
    if detailed and part.position is not None:
        shown["position"] = part.position
    return shown
