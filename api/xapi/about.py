"""`/xapi/about`: which versions this LRS speaks (1.0.3 Communication 2.8; 2.0.0 4.1.6.7)."""

from typing import Any

from flask import Blueprint

from api.authorisation import public
from api.xapi.parameters import no_parameters
from domain.values.version import Version

about = Blueprint("about", __name__, url_prefix="/xapi/about")


@about.get("")
@public
def read() -> dict[str, Any]:
    """Returns the versions; needs neither credentials nor a version header."""
    no_parameters()
    return {"version": [str(version) for version in Version], "extensions": {}}
