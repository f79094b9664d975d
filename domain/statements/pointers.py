"""JSON pointers into statements, fit to be kept outside of the encrypted store.

A refusal's pointer may hold what its sender wrote: the name of an unknown property, the key of an
extension, a language tag that is none. Such a name may be somebody's.
"""

from typing_extensions import is_typeddict

from domain.statements import model

NAMES = frozenset(
    name
    for shape in vars(model).values()
    if is_typeddict(shape) and shape.__module__ == model.__name__
    for name in shape.__annotations__
)
"""Every property that xAPI knows."""


def impersonal(pointer: str) -> str:
    """Returns the pointer with every step that is no property of xAPI and no number as `*`."""
    steps = pointer.split("/")[1:]
    return "".join(f"/{step if step in NAMES or step.isdecimal() else '*'}" for step in steps)
