"""Values by example: what is one, what is not, what it is worth."""

from datetime import UTC, datetime

import pytest

from domain.errors import Invalid
from domain.values import duration, iri, language_tag, score, timestamp
from domain.values.version import Version

OLD, NEW = Version.V1_0_3, Version.V2_0_0


@pytest.mark.parametrize(
    "text",
    ["http://a", "https://example.org/فعل/خواندن?q=1#x", "urn:uuid:7c2d", "tag:a,2024:b", "a:b",
     "course-v1:Org+C+1", "file:///etc/x", "http://[::1]:80/", "http://a/%C3%A9", "mailto:a@b.c"],
)  # fmt: skip
def test_iris(text: str) -> None:
    assert iri.is_iri(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "http:", "http://", "//a/b", "/a", "ab=c://should.fail.com", "1http://a",
     "http://a b", "http://a/<b>", "http://a/%zz", "http://a/{b}", "http://a\n",
     "7c2d2b5e-6f0a-4a63-9d0a"],
)  # fmt: skip
def test_no_iris(text: str) -> None:
    assert not iri.is_iri(text)


@pytest.mark.parametrize("text", ["en", "en-US", "zh-cmn-Hans-CN", "x-a", "i-klingon", "qaa-Qaaa"])
def test_language_tags(text: str) -> None:
    assert language_tag.is_language_tag(text)


@pytest.mark.parametrize("text", ["", "e", "en_US", "a12345", "en-", "en-a", "abcdefghi", "en\n"])
def test_no_language_tags(text: str) -> None:
    assert not language_tag.is_language_tag(text)


@pytest.mark.parametrize(
    ("preferred", "chosen"),
    [
        (["fr"], "fr"),
        (["FR-ca"], "fr"),
        (["de", "en"], "en-US"),
        (["en-GB"], "en-US"),
        (["*"], "en-US"),
        ([], "en-US"),
        (["sw"], "en-US"),
    ],
)
def test_choice_of_a_language(preferred: list[str], chosen: str) -> None:
    assert language_tag.choose({"en-US": "a", "fr": "b"}, preferred) == chosen


def test_an_empty_map_offers_no_language() -> None:
    assert language_tag.choose({}, ["en"]) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT4H35M59.14S", 16559.14), ("P4W", 2_419_200), ("P1DT1S", 86_401), ("PT0,5M", 30),
     ("P1M", 2_629_746), ("PT1M", 60), ("P1Y", 31_556_952)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert duration.is_duration(text)
    assert duration.seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1", "P1S", "PT1D", "P4W1D", "P1YT", "-PT1S", "PT1.5H1M", "PT1S1M", "pt1s",
     "P1Y1W", "PT1.S", "PT1S\n", "P0001-00-00T00:00:01"],
)  # fmt: skip
def test_no_durations(text: str) -> None:
    assert not duration.is_duration(text)


def test_durations_are_compared_to_the_hundredth() -> None:
    assert duration.comparable("PT0.1299S") == "PT0.12S"
    assert duration.comparable("PT0,1299S") == "PT0,12S"
    assert duration.comparable("PT0.1S") == "PT0.1S"
    assert duration.comparable("PT0.1299H") == "PT0.1299H"


@pytest.mark.parametrize(
    ("text", "moment", "versions"),
    [
        ("2008-09-15T15:53:00.601Z", datetime(2008, 9, 15, 15, 53, 0, 601000, UTC), [OLD, NEW]),
        ("2008-09-15T15:53:00.6+01:00", datetime(2008, 9, 15, 14, 53, 0, 600000, UTC), [OLD, NEW]),
        ("2008-09-15t15:53:00z", datetime(2008, 9, 15, 15, 53, tzinfo=UTC), [NEW]),
        ("2008-09-15T15:53:00", datetime(2008, 9, 15, 15, 53, tzinfo=UTC), [OLD]),
        ("2008-09-15T15:53:00+0100", datetime(2008, 9, 15, 14, 53, tzinfo=UTC), [OLD]),
        ("20080915T155300Z", datetime(2008, 9, 15, 15, 53, tzinfo=UTC), [OLD]),
        ("2008-259T15:53Z", datetime(2008, 9, 15, 15, 53, tzinfo=UTC), [OLD]),
        ("2008-W38-1T15Z", datetime(2008, 9, 15, 15, tzinfo=UTC), [OLD]),
        ("2008-09-14T24:00:00Z", datetime(2008, 9, 15, tzinfo=UTC), [OLD]),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC), [OLD, NEW]),
        ("2008-09-15T15:53:00.123456789Z", datetime(2008, 9, 15, 15, 53, 0, 123456, UTC),
         [OLD, NEW]),
    ],
)  # fmt: skip
def test_timestamps(text: str, moment: datetime, versions: list[Version]) -> None:
    assert timestamp.parse(text) == moment
    assert [version for version in Version if timestamp.is_timestamp(text, version)] == versions


@pytest.mark.parametrize(
    "text",
    ["", "2008", "2008-09-15", "15:53:00Z", "01/011/2015", "2008-09-15 15:53:00Z",
     "2008-09-15T15:53:00.601-00", "2008-09-15T15:53:00.601-0000", "2008-09-15T15:53:00.601-00:00",
     "2008-13-15T15:53:00Z", "2008-02-30T15:53:00Z", "2008-09-15T25:00:00Z", "0000-01-01T00:00:00Z",
     "2008-09-15T15:53:61Z", "2008-366T00:00:00Zx", "2007-366T00:00:00Z", "2008-09-15T15:53:60Z",
     "2008-09-15T15:53:00Z\n", "0001-01-01T00:00:00+05:00", "2008-09-15T24:00:01Z",
     "2008-09-15T15:53:00+25:00", "\uff19999-09-15T15:53:00Z"],
)  # fmt: skip
@pytest.mark.parametrize("version", [OLD, NEW])
def test_no_timestamps(text: str, version: Version) -> None:
    assert not timestamp.is_timestamp(text, version)


def test_timestamps_are_written_in_utc_with_milliseconds() -> None:
    assert timestamp.to_utc("2023-05-04T12:00:00-05:00") == "2023-05-04T17:00:00.000Z"
    assert timestamp.to_utc("2023-05-04T12:00:00.1234561-05:00") == "2023-05-04T17:00:00.123456Z"
    assert timestamp.to_utc("2023-05-04T12:00:00Z") == "2023-05-04T12:00:00Z"
    assert timestamp.to_utc("2023-05-04T12:00:00") == "2023-05-04T12:00:00"


def test_scores() -> None:
    assert score.scaled({"scaled": -0.5, "raw": 5, "max": 10}) == -0.5
    assert score.scaled({"raw": 5, "max": 10}) == 0.5
    assert score.scaled({"raw": 5, "min": 4, "max": 8}) == 0.25
    assert score.scaled({"raw": 5}) is None
    assert score.scaled({"raw": -5, "max": 0}) is None
    assert score.problem({"min": 1, "raw": 1, "max": 2}) is None
    assert score.problem({"min": 1, "max": 1}) is not None


@pytest.mark.parametrize(
    ("header", "version"), [("1.0", OLD), ("1.0.3", OLD), ("1.0.99", OLD), ("2.0", NEW),
                            ("2.0.0", NEW), ("2.0.1", NEW)]
)  # fmt: skip
def test_versions(header: str, version: Version) -> None:
    assert Version.parse(header) is version


@pytest.mark.parametrize(
    "header",
    ["", "1", "1.1", "0.9.9", "1.0.", "1.0.x", "1.03", "1.0.3 ", "2.1.0", "3.0.0", "1.0.²"],
)
def test_no_versions(header: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Version.parse(header)
    assert refusal.value.pointer == "X-Experience-API-Version"
