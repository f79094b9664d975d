"""`/health/live`: this process answers. `/health/ready`: so does each part that it needs.

Ready is 503 when this API could answer nobody (no event log, no keys of the shard home, which says
who may come in). When a later stage is away statements are still accepted and reads still given,
and when another shard is away everybody who does not live there is served: so that is 200 and
"degraded", since a load balancer must not take the API away with it. `?all=true` is 503 then too,
for whoever waits for everything.
"""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, current_app, request

from api.authentication import authenticate
from api.authorisation import public
from api.parts import Part, Parts, up
from api.parts import ready as enough
from api.services import services
from domain.placements import HOME
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
    """Returns each part, of home and shared, and each shard; log positions, which tell of volumes,
    to operators only.
    """
    found = parts()
    everything = all(part.well for part in found)
    demanded = everything if request.args.get("all") == "true" else enough(found)
    status = "ready" if everything else "degraded" if enough(found) else "unready"
    detailed = sees_positions()
    shards: dict[str, list[Part]] = {}
    for part in found:
        if part.shard is not None:
            shards.setdefault(part.shard, []).append(part)
    return {
        "status": status,
        "parts": _all_shown((part for part in found if part.shard in (HOME, None)), detailed),
        "shards": {
            name: {"up": up(own), "parts": _all_shown(own, detailed)}
            for name, own in shards.items()
        },
    }, 200 if demanded else 503


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


def _all_shown(parts: Iterable[Part], detailed: bool) -> dict[str, Any]:
    return {part.name: _shown(part, detailed) for part in parts}


def _shown(part: Part, detailed: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"well": part.well, "needed": part.needed, "detail": part.detail}
    if part.behind is not None:
        shown |= {"behind": part.behind, "seconds": part.seconds}
    if detailed and part.position is not None:
        shown["position"] = part.position
    return shown
