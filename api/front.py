"""The front door `/`: what this is, whether it is well, and where everything else is."""

from importlib.metadata import version

from flask import Blueprint, render_template

from api.authorisation import public
from api.health import parts
from api.parts import ready
from api.services import services

front = Blueprint("front", __name__)


@front.app_context_processor
def _on_every_page() -> dict[str, str]:
    return {"version": version("kumbuka-lrs")}


@front.get("/")
@public
def door() -> str:
    """Returns the page; nothing on it is of an institution."""
    found = parts()
    settings = services().settings
    return render_template(
        "front.html",
        parts=found,
        everything=all(part.well for part in found),
        enough=ready(found),
        address=settings.public_url or f"http://{settings.host}:{settings.port}",
    )
