"""The versions of xAPI that a request can be made in; a statement's own is in its model."""

from enum import StrEnum

from domain.errors import Invalid

_SECTION = "1.0.3 Communication 3.3"


class Version(StrEnum):
    """A version of the specification: what requests are answered as, and statements judged by."""

    V1_0_3 = "1.0.3"
    V2_0_0 = "2.0.0"

    @classmethod
    def parse(cls, header: str) -> "Version":
        """Returns the version that an `X-Experience-API-Version` header asks for.

        Any patch of a supported minor version counts as that version: the data model is the same
        throughout 1.0.x (1.0.3 Data 2.4.10). Raises `Invalid` on anything else.
        """
        line, dot, patch = header[:3], header[3:4], header[4:]
        known = _LINES.get(line)
        if known is None or (dot and not (patch.isascii() and patch.isdigit())):
            raise Invalid(
                "X-Experience-API-Version",
                "version",
                f"unknown version {header!r}: send 1.0.x or 2.0.x",
                _SECTION,
            )
        return known


_LINES = {"1.0": Version.V1_0_3, "2.0": Version.V2_0_0}
