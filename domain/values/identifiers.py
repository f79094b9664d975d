"""Identifiers of fixed form: UUIDs, mail addresses, SHA-1 and SHA-2 digests, media types.

Patterns only; IRIs have their own file.
"""

# Standard string form; RFC 4122's variant is recommended, not required (1.0.3 Data 4.4).
UUID = r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"

# `mailto:` and an address: no white space, one @ with something on both sides (1.0.3 Data 2.4.2.3).
MBOX = r'^mailto:(?:[^@\s<>()\[\]\\,;:"]+|"[^"\s]+")@[^@\s<>()\\,;:"]+$'

SHA1 = r"^[0-9A-Fa-f]{40}$"

# The four lengths of SHA-2: 224, 256, 384 and 512 bits.
SHA2 = r"^(?:[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})$"

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z\-]+"
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'  # RFC 9110 5.6.4: no line breaks
MEDIA_TYPE = rf"^{_NAME}/{_NAME}(?:[ \t]*;[ \t]*(?:{_NAME}=(?:{_NAME}|{_QUOTED}))?)*[ \t]*$"
