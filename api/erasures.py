"""Erasure, made of the record store and the stores beside it that hold something of people.

The one list of these stores: HTTP, the command line and the jobs all erase by it, so that an
erasure that one began and another finishes leaves none out.
"""

from lrs.closure import Closures
from lrs.erasure import Erasures
from lrs.quarantine import QuarantinePurger
from lrs.services import Services
from projections.views.purge import ViewsPurger


def erasures_of(services: Services) -> Erasures:
    """Returns the erasures of this instance."""
    return Erasures(services, [ViewsPurger(services.pool), QuarantinePurger(services.pool)])


def closures_of(services: Services) -> Closures:
    """Returns the erasures of whole institutions of this instance."""
    return Closures(services, [ViewsPurger(services.pool)])
