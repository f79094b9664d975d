"""Strategies of the values that statements are made of, each valid by the letter of its RFC.

They are written apart from the patterns of `domain.values`, so that each tests the other.
"""

import string
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from domain.values.version import Version

Json = dict[str, Any]

_UNRESERVED = string.ascii_letters + string.digits + "-._~"
_FOREIGN = "éßñ日本語فعلЖ𝒳😀"

texts = st.text(st.characters(codec="utf-8"), max_size=20)
uuids = st.uuids().map(str) | st.uuids().map(lambda value: str(value).upper())


def _joined(alphabet: str, **sizes: int) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(alphabet), **sizes)


_segment = st.lists(
    _joined(_UNRESERVED + _FOREIGN + "!$&'()*+,;=:@", max_size=6) | st.sampled_from(["%20", "%C3"]),
    max_size=3,
).map("".join)


@st.composite
def iris(draw: st.DrawFn) -> str:
    """An IRI with authority, path, query and fragment as it comes; or a URN, tag or UUID URI."""
    if draw(st.integers(0, 4)) == 0:
        urns = ["urn:isbn:0451450523", "tag:example.org,2024:x", "course-v1:Org+1", "uuid://a1-b2"]
        return draw(st.sampled_from(urns))
    scheme = draw(st.sampled_from(["http", "https", "HTTPS", "ftp", "x-app+v1.0"]))
    host = draw(
        st.sampled_from(["example.org", "127.0.0.1", "[2001:db8::1]", "bücher.example", "a"])
    )
    user = draw(st.sampled_from(["", "", "user:pw@"]))
    port = draw(st.sampled_from(["", ":8080"]))
    path = "".join("/" + draw(_segment) for _ in range(draw(st.integers(0, 3))))
    query = draw(st.none() | _segment)
    fragment = draw(st.none() | _segment)
    tail = ("" if query is None else f"?{query}/?") + ("" if fragment is None else f"#{fragment}")
    return f"{scheme}://{user}{host}{port}{path}{tail}"


language_tags = st.sampled_from(
    [
        "en",
        "en-US",
        "EN-gb",
        "de-CH-1901",
        "zh-Hant-TW",
        "zh-cmn-Hans-CN",
        "sr-Latn-RS",
        "sl-rozaj-biske",
        "es-419",
        "und",
        "de-Latn-DE-1996",
        "en-a-bbb-x-a-ccc",
        "x-whatever",
        "hy-Latn-IT-arevela",
        "i-klingon",
        "en-GB-oed",
        "tlh",
        "sgn-BE-FR",
        "de-DE-u-co-phonebk",
        "ar-aao",
        "mas",
    ]
)
language_maps = st.dictionaries(language_tags, texts, max_size=3)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
extensions = st.dictionaries(iris(), json_values, max_size=3)

durations = st.sampled_from(
    [
        "PT4H35M59.14S",
        "PT16559.14S",
        "P3Y1M29DT4H35M59.14S",
        "P3Y",
        "P4W",
        "PT0S",
        "PT1H0M0.1S",
        "P1DT12H36M0.12567S",
        "P0.5Y",
        "PT0,5H",
        "P1Y2M3D",
        "P2M",
        "PT5M",
        "P1DT1S",
        "P1Y1DT1H1S",
    ]
)

media_types = st.sampled_from(
    ["text/plain; charset=ascii", "application/octet-stream", "image/svg+xml", 'a/b;c="d e";f=g']
)


@st.composite
def timestamps(draw: st.DrawFn, version: Version) -> str:
    """A moment in the version's format: any offset but -00:00, up to nine decimals."""
    moment = draw(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)))
    text = moment.replace(microsecond=0).isoformat()
    text += draw(st.sampled_from(["", ".1", ".601", ".123456", ".123456789"]))
    if version is Version.V2_0_0:
        return text + draw(st.sampled_from(["Z", "+00:00", "-05:00", "+05:30", "+14:00"]))
    return text + draw(st.sampled_from(["Z", "", "+00", "+0000", "-05:00", "-0330", "+14"]))


@st.composite
def scores(draw: st.DrawFn) -> Json:
    """A score whose raw is within min and max, and min below max; any of the four left out."""
    numbers = st.integers(-1000, 1000) | st.floats(-1000, 1000)
    low, raw, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    if low == high:
        high = low + 1
    score = {"min": low, "raw": raw, "max": high, "scaled": draw(st.floats(-1, 1))}
    return {name: score[name] for name in draw(st.sets(st.sampled_from(sorted(score))))}
