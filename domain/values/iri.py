"""IRIs and URIs: their grammar (RFC 3987, RFC 3986) as patterns, with a scheme always required.

The patterns use neither look-around nor back-references, so that both Python's `re` and the linear
engine under pydantic take them. Comparison is plain string comparison (RFC 3987 5.3.1), so there
is no normal form here.
"""

import re

_BEYOND_ASCII = (
    "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef"
    "\U00010000-\U0001fffd\U00020000-\U0002fffd\U00030000-\U0003fffd\U00040000-\U000dfffd"
    "\U000e1000-\U000efffd"
)
_PRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"


def _pattern(beyond: str, private: str) -> str:
    """Returns the grammar as one anchored pattern; `beyond` are the characters above ASCII."""
    plain = rf"\-A-Za-z0-9._~!$&'()*+,;={beyond}"
    user = rf"(?:[{plain}:]|%[0-9A-Fa-f]{{2}})"
    name = rf"(?:[{plain}]|%[0-9A-Fa-f]{{2}})"
    path = rf"(?:[{plain}:@/]|%[0-9A-Fa-f]{{2}})"
    first = rf"(?:[{plain}:@]|%[0-9A-Fa-f]{{2}})"
    query = rf"(?:[{plain}:@/?{private}]|%[0-9A-Fa-f]{{2}})"
    end = rf"(?:[{plain}:@/?]|%[0-9A-Fa-f]{{2}})"
    authority = rf"(?:{user}*@)?(?:\[[0-9A-Fa-fvV:.]+\]|{name}+)(?::[0-9]*)?"
    hierarchy = rf"(?://{authority}(?:/{path}*)?|///{path}*|/?{first}{path}*)"
    return rf"^[A-Za-z][A-Za-z0-9+.\-]*:{hierarchy}(?:\?{query}*)?(?:#{end}*)?$"


IRI = _pattern(_BEYOND_ASCII, _PRIVATE)
URI = _pattern("", "")

_IRI = re.compile(IRI[:-1])


def is_iri(text: str) -> bool:
    """Whether `text` is an absolute IRI, with a scheme and something after it."""
    return _IRI.fullmatch(text) is not None
