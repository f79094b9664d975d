"""`/oauth/token`: an access token for a credential (RFC 6749, 4.4: client credentials).

The client's id and secret are the credential's key and secret, by HTTP Basic or in the form.
Refusals are as RFC 6749, 5.2 wants them. How tokens are shown and read: `api/authentication.py`.
"""

from urllib.parse import parse_qs

import orjson
from flask import Blueprint, Response, request

from api.authentication import BASIC, basic
from api.authorisation import public
from api.limits import limits
from api.services import services
from domain.credentials import Credential
from domain.errors import Invalid, Unauthenticated

FORM = "application/x-www-form-urlencoded"
GRANT = "client_credentials"

oauth = Blueprint("oauth", __name__, url_prefix="/oauth")


class Refusal(Exception):
    """An error of RFC 6749, 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}
        self.status = status


@oauth.post("/token")
@public
def token() -> Response:
    """Returns a token for `scope`, by default for all that the credential reaches."""
    try:
        return _answer(_granted(_form()), 200)
    except Refusal as refusal:
        return _answer(refusal.body, refusal.status)


def _granted(form: dict[str, str]) -> dict[str, object]:
    client = _client(form)
    limits().request(client)
    if "grant_type" not in form:
        raise Refusal("invalid_request", "grant_type is missing")
    if form["grant_type"] != GRANT:
        raise Refusal("unsupported_grant_type", f"only {GRANT} is supported")
    try:
        holder = client.narrowed(form.get("scope") or client.scope)
    except Invalid as error:
        raise Refusal("invalid_scope", error.detail) from None
    tokens = services().tokens
    return {
        "access_token": tokens.give(holder),
        "token_type": "Bearer",
        "expires_in": tokens.lifetime,
        "scope": holder.scope,
    }


def _form() -> dict[str, str]:
    if request.mimetype != FORM:
        raise Refusal("invalid_request", f"send {FORM}")
    try:
        fields = parse_qs(
            request.get_data().decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=50,
        )
    except ValueError:
        raise Refusal("invalid_request", f"this is not {FORM}") from None
    if any(len(values) > 1 for values in fields.values()):
        raise Refusal("invalid_request", "give each parameter once")
    return {name: values[0] for name, values in fields.items()}


def _client(form: dict[str, str]) -> Credential:
    header = request.headers.get("Authorization")
    in_form = "client_secret" in form
    if header is not None and in_form:
        raise Refusal("invalid_request", "show the secret by Basic or in the form, not both")
    try:
        if header is not None:
            key, secret = basic(header)
            if form.get("client_id", key) != key:
                raise Refusal("invalid_request", "client_id is not that of the Basic credentials")
        else:
            key, secret = form.get("client_id", ""), form.get("client_secret", "")
            if not key or not secret:
                raise Unauthenticated("show the client's id and secret")
        return services().credentials.verify(key, secret)
    except Unauthenticated as error:
        raise Refusal("invalid_client", str(error), 401) from None


def _answer(body: dict[str, object] | dict[str, str], status: int) -> Response:
    response = Response(orjson.dumps(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    if status == 401:
        response.headers["WWW-Authenticate"] = BASIC
    return response
