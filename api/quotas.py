"""Quotas: what of a request counts against those of the caller's institution.

How much is left is known without asking the database, and how exactly: `lrs/tenants.py`.
"""

from contextlib import AbstractContextManager
from typing import cast

from flask.globals import request_ctx

from api.authentication import credential
from api.requests import Request
from api.services import services
from lrs.tenants import Admitted


def within_quota(statements: int = 0) -> AbstractContextManager[Admitted]:
    """Lets in a write of so many statements, with the size of the request's body.

    Give what it yields the position of what was stored, where that is known. A body sent in chunks
    says no size: it passes as a byte, and counts when what was stored of it is counted. Raises
    `QuotaReached` or `DailyQuotaReached`.
    """
    request = cast(Request, request_ctx.request)
    size = request.length or 1
    tenants = services().lrs.tenants
    return tenants.admitting(credential().institution, statements=statements, size=size)
