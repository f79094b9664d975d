"""Quotas: what of a request counts against those of the caller's institution.

How much is left is known without asking the database, and how exactly: `lrs/tenants.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import request

from api.authentication import credential
from api.services import services


@contextmanager
def within_quota(statements: int = 0) -> Iterator[None]:
    """Lets in a write of so many statements, with the size of the request's body.

    Raises `QuotaReached` or `DailyQuotaReached`. A body sent in chunks says no size: it passes as a
    byte, and counts when what was stored of it is counted.
    """
    size = request.content_length or 1
    tenants = services().lrs.tenants
    with tenants.admitting(credential().institution, statements=statements, size=size):
        yield
