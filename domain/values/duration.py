"""Durations (ISO 8601:2004 4.4.3.2): their grammar, their length, and what of them is compared."""

import re

_N = r"[0-9]+"
_F = r"[0-9]+(?:[.,][0-9]+)?"  # only the smallest component may carry a fraction
_DATE = rf"(?:{_N}Y)?(?:{_N}M)?{_F}D|(?:{_N}Y)?{_F}M|{_F}Y"
_WHOLE_DATE = rf"{_N}Y(?:{_N}M)?(?:{_N}D)?|{_N}M(?:{_N}D)?|{_N}D"
_TIME = rf"(?:{_N}H)?(?:{_N}M)?{_F}S|(?:{_N}H)?{_F}M|{_F}H"

# Weeks stand alone: P4W, never P4W1D (1.0.3 Data 4.6).
DURATION = rf"^P(?:{_F}W|{_DATE}|(?:{_WHOLE_DATE})?T(?:{_TIME}))$"

_DURATION = re.compile(DURATION[:-1])
_COMPONENT = re.compile(r"([0-9]+(?:[.,][0-9]+)?)([YMWDHS])")
_BEYOND_CENTISECONDS = re.compile(r"([.,][0-9]{2})[0-9]+S$")

# Nominal lengths, in seconds: a Gregorian year on average, and a twelfth of it.
_DATE_SECONDS = {"Y": 31_556_952.0, "M": 2_629_746.0, "W": 604_800.0, "D": 86_400.0}
_TIME_SECONDS = {"H": 3_600.0, "M": 60.0, "S": 1.0}


def is_duration(text: str) -> bool:
    """Whether `text` is a duration in the format with designators."""
    return _DURATION.fullmatch(text) is not None


def seconds(text: str) -> float:
    """Returns the length of a valid duration in seconds; years and months by their average."""
    date, _, time = text[1:].partition("T")
    total = 0.0
    for part, lengths in ((date, _DATE_SECONDS), (time, _TIME_SECONDS)):
        for number, unit in _COMPONENT.findall(part):
            total += float(number.replace(",", ".")) * lengths[unit]
    return total


def comparable(text: str) -> str:
    """Returns the duration without what is finer than 0.01 s, which comparisons leave out.

    Otherwise a duration is compared as a string: PT60S is not PT1M (1.0.3 Data 2.3.1 and 4.6).
    """
    return _BEYOND_CENTISECONDS.sub(r"\1S", text) if "S" in text else text
