"""State, Activity Profile, Agent Profile (1.0.3 Communication 2.2, 2.3, 2.6, 2.7; 2.0.0 4.1.6).

Three resources that differ in the parameters by which a document is named. When a write is
allowed, and how documents merge, is in `domain.documents`.
"""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request

from api.authentication import credential
from api.authorisation import requires
from api.quotas import within_quota
from api.requests import single_values
from api.services import services
from api.xapi import headers
from api.xapi.parameters import (
    Given,
    agent,
    iri,
    moment,
    only,
    optional,
    required,
    text,
    uuid,
)
from api.xapi.responses import NEVER_RUN, json
from domain.documents import Document, Kind, Preconditions
from domain.roles import Action
from lrs.documents import Address

UNNAMED_TYPE = "application/octet-stream"
"""What content is where its sender does not say (1.0.3 Communication 2.2)."""


@dataclass(frozen=True)
class Resource:
    """A document resource: its path, and the parameters that name a document there."""

    kind: Kind
    path: str
    id_name: str
    reading: Action
    writing: Action
    activity: bool = False
    agent: bool = False
    registration: bool = False
    delete_many: bool = False

    def address(self, given: Given, *more: str, id_needed: bool = True) -> Address:
        """Returns what the parameters name; raises Invalid for others than these and `more`."""
        names = {
            "activityId": self.activity,
            "agent": self.agent,
            "registration": self.registration,
        }
        only(given, {self.id_name, *more, *(name for name, used in names.items() if used)})
        activity = required(given, "activityId", iri) if self.activity else None
        whose = required(given, "agent", agent) if self.agent else None
        registration = optional(given, "registration", uuid) if self.registration else None
        if id_needed:
            required(given, self.id_name, text)
        return Address(
            self.kind,
            optional(given, self.id_name, text) or "",
            activity=activity,
            agent=whose,
            registration=registration,
        )


RESOURCES = (
    Resource(
        Kind.STATE,
        "/activities/state",
        "stateId",
        Action.READ_STATE,
        Action.WRITE_STATE,
        activity=True,
        agent=True,
        registration=True,
        delete_many=True,
    ),
    Resource(
        Kind.ACTIVITY_PROFILE,
        "/activities/profile",
        "profileId",
        Action.READ_PROFILES,
        Action.WRITE_PROFILES,
        activity=True,
    ),
    Resource(
        Kind.AGENT_PROFILE,
        "/agents/profile",
        "profileId",
        Action.READ_PROFILES,
        Action.WRITE_PROFILES,
        agent=True,
    ),
)

documents = Blueprint("documents", __name__, url_prefix="/xapi")
headers.guard(documents)


def _hang(resource: Resource) -> None:
    """Gives the resource its four routes."""

    @documents.get(resource.path, endpoint=f"get-{resource.kind}")
    @requires(resource.reading)
    def read() -> Response:
        given = single_values()
        if resource.id_name in given:
            return _one(resource.address(given))
        since = optional(given, "since", moment)
        return _ids(resource.address(given, "since", id_needed=False), since)

    @documents.put(resource.path, endpoint=f"put-{resource.kind}")
    @requires(resource.writing)
    def put() -> Response:
        address = resource.address(single_values())
        with within_quota():
            stored = services().documents.put(
                credential().institution,
                address,
                request.get_data(),
                _content_type(),
                preconditions=_preconditions(),
                version=headers.version(),
            )
        return _stored(stored)

    @documents.post(resource.path, endpoint=f"post-{resource.kind}")
    @requires(resource.writing)
    def post() -> Response:
        address = resource.address(single_values())
        with within_quota():
            stored = services().documents.post(
                credential().institution,
                address,
                request.get_data(),
                _content_type(),
                preconditions=_preconditions(),
            )
        return _stored(stored)

    @documents.delete(resource.path, endpoint=f"delete-{resource.kind}")
    @requires(resource.writing)
    def delete() -> Response:
        given = single_values()
        address = resource.address(given, id_needed=not resource.delete_many)
        if resource.id_name in given:
            services().documents.delete(credential().institution, address, _preconditions())
        else:
            services().documents.delete_all(credential().institution, address)
        return Response(status=204)


for _resource in RESOURCES:
    _hang(_resource)


def _one(address: Address) -> Response:
    found = services().documents.get(credential().institution, address)
    response = Response(found.content, content_type=found.document.content_type)
    response.headers["Content-Length"] = str(found.document.size)
    response.headers["ETag"] = found.document.etag
    response.headers["Last-Modified"] = headers.last_modified(found.updated_at)
    response.headers["Content-Security-Policy"] = NEVER_RUN
    return response


def _ids(address: Address, since: datetime | None) -> Response:
    found = services().documents.ids(credential().institution, address, since)
    response = json([document_id for document_id, _ in found])
    if found:
        last = max(updated_at for _, updated_at in found)
        response.headers["Last-Modified"] = headers.last_modified(last)
    return response


def _stored(document: Document) -> Response:
    response = Response(status=204)
    response.headers["ETag"] = document.etag
    return response


def _content_type() -> str:
    return request.headers.get("Content-Type") or UNNAMED_TYPE


def _preconditions() -> Preconditions:
    return Preconditions(request.headers.get("If-Match"), request.headers.get("If-None-Match"))
