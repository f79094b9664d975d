"""Every kind of event that the log can hold, known to whoever reads it.

A class registers its topic when its module is imported, so a process that has not imported it could
not read the event: this imports the whole domain.
"""

from importlib import import_module
from pkgutil import walk_packages

import domain


def register() -> None:
    """Makes every topic of the domain resolvable."""
    for module in walk_packages(domain.__path__, "domain."):
        import_module(module.name)
