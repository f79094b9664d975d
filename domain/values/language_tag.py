"""Language tags (RFC 5646): their grammar, and which entry of a language map a reader prefers."""

import re
from collections.abc import Iterable, Mapping

# RFC 5646 2.1: language, extlang, script, region, variants, extensions, private use; and the
# grandfathered tags that the regular grammar does not produce.
_EXTENDED = r"[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4}|[A-Za-z]{5,8}"
_PRIVATE = r"[xX](?:-[A-Za-z0-9]{1,8})+"
_REGULAR = (
    rf"(?:{_EXTENDED})(?:-[A-Za-z]{{4}})?(?:-(?:[A-Za-z]{{2}}|[0-9]{{3}}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    rf"(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{{2,8}})+)*(?:-{_PRIVATE})?"
)
_IRREGULAR = (
    "en-GB-oed|i-ami|i-bnn|i-default|i-enochian|i-hak|i-klingon|i-lux|i-mingo|i-navajo|i-pwn|"
    "i-tao|i-tay|i-tsu|sgn-BE-FR|sgn-BE-NL|sgn-CH-DE"
)

LANGUAGE_TAG = rf"^(?:{_REGULAR}|{_PRIVATE}|{_IRREGULAR})$"

_LANGUAGE_TAG = re.compile(LANGUAGE_TAG[:-1])


def is_language_tag(text: str) -> bool:
    """Whether the lengths and order of the subtags follow RFC 5646."""
    return _LANGUAGE_TAG.fullmatch(text) is not None


def choose(available: Mapping[str, object], preferred: Iterable[str]) -> str | None:
    """Returns the key of a language map that suits a reader best; None for an empty map.

    Each range of `preferred`, best first, is tried whole and then cut from its end (lookup,
    RFC 4647 3.4); then a longer tag that begins with the range is taken ("en" finds "en-GB"), as
    RFC 2616 14.4 matches prefixes. `*`, or nothing that fits, gives the map's first entry, since
    one entry must be returned.
    """
    if not available:
        return None
    folded = {tag.lower(): tag for tag in reversed(list(available))}
    for wanted in preferred:
        part = wanted.lower()
        while part and part != "*":
            if part in folded:
                return folded[part]
            start = part + "-"
            for tag in available:
                if tag.lower().startswith(start):
                    return tag
            part = part.rpartition("-")[0]
    return next(iter(available))
