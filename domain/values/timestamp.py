"""Timestamps: ISO 8601 in 1.0.3 (Data 4.5), RFC 3339 in 2.0.0 (4.2.7); read, written in UTC."""

import re
from datetime import UTC, date, datetime, timedelta

from domain.values.version import Version

# 1.0.3: a combined date and time, extended or basic; the time zone may be left out.
# 2.0.0: RFC 3339, whose zone is required, and whose letters may be small.
# Neither takes -00, -0000 or -00:00, which say that the local offset is unknown.
_ISO_8601 = re.compile(
    r"(?:[0-9]{4}-(?:[0-9]{2}-[0-9]{2}|[0-9]{3}|W[0-9]{2}-[1-7])"
    r"T[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)?"
    r"|[0-9]{4}(?:[0-9]{4}|[0-9]{3}|W[0-9]{2}[1-7])T[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:[.,][0-9]+)?)?)?)"
    r"(?:Z|(?!-00(?::?00)?$)[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|(?!-00:00$)[+-][0-9]{2}:[0-9]{2})"
)
_FORMATS = {Version.V1_0_3: _ISO_8601, Version.V2_0_0: _RFC_3339}
_ZONED = re.compile(r"[Tt].*(?:[Zz]|[+-][0-9:]+)$")
_ORDINAL = re.compile(r"([0-9]{4})-?([0-9]{3})T")


def is_timestamp(text: str, version: Version) -> bool:
    """Whether `text` has the version's format and names a moment that exists."""
    if _FORMATS[version].fullmatch(text) is None:
        return False
    try:
        parse(text)
    except (ValueError, OverflowError):
        return False
    return True


def parse(text: str) -> datetime:
    """Returns the moment, in UTC, to the microsecond; a time without a zone is taken as UTC.

    Raises ValueError (or OverflowError beyond the years 1 to 9999) where there is no such moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _parse_rare(text.upper())
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


def _parse_rare(text: str) -> datetime:
    """Returns the moment of what Python does not read: ordinal dates, leap seconds, 24:00."""
    ordinal = _ORDINAL.match(text)
    if ordinal and not text[8:9].isdigit():
        day = date(int(ordinal[1]), 1, 1) + timedelta(days=int(ordinal[2]) - 1)
        if day.year != int(ordinal[1]):
            raise ValueError("the year has no such day")
        text = f"{day.isoformat()}{text[ordinal.end() - 1 :]}"
    extra = timedelta()
    if (leap := re.search(r"(T23:?59:?)60", text)) is not None:
        text, extra = f"{text[: leap.end(1)]}59{text[leap.end() :]}", timedelta(seconds=1)
    elif (
        midnight := re.search(r"T24(?=(?::?00(?::?00(?:[.,]0+)?)?)?(?:$|[Z+-]))", text)
    ) is not None:
        text, extra = f"{text[: midnight.start()]}T00{text[midnight.end() :]}", timedelta(days=1)
    return datetime.fromisoformat(text) + extra


def write(moment: datetime) -> str:
    """Returns `moment` in RFC 3339, UTC, with milliseconds, or microseconds where it has them."""
    moment = moment.astimezone(UTC)
    finer = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=finer) + "Z"


def to_utc(text: str) -> str:
    """Returns a valid timestamp in UTC; the same text where it is in UTC already, or has no zone.

    A time without a zone (1.0.3 only) is returned as it came: what was meant is not known.
    """
    if text.endswith("Z") or not _ZONED.search(text):
        return text
    return write(parse(text))
