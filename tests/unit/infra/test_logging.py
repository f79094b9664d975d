"""Logs are JSON lines, and the text of an exception is never among them."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from infra import logging as ours
from lrs.settings import Settings


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, structlog.get_config()
    made = io.StringIO()
    ours.configure(Settings(), "test", made)
    yield made
    root.handlers[:], level, sys.excepthook, config = before
    root.setLevel(level)
    structlog.configure(**config)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_fields_and_process(stream: io.StringIO) -> None:
    structlog.get_logger("lrs.thing").info("stored", count=3)
    logging.getLogger("other.library").info("chatter")
    logging.getLogger("other.library").warning("trouble")
    first, second = lines(stream)
    assert (first["event"], first["count"], first["process"]) == ("stored", 3, "test")
    assert (second["event"], second["logger"]) == ("trouble", "other.library")


def test_exceptions_are_told_by_type_and_place(stream: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError("marker-of-a-person")

    try:
        fail()
    except ValueError:
        structlog.get_logger("lrs").exception("failed")
        logging.getLogger("other").exception("failed")
    assert "marker-of-a-person" not in stream.getvalue()
    for line in lines(stream):
        assert line["exception"] == "ValueError"
        assert any(" fail" in place for place in line["places"])  # type: ignore[attr-defined]


def test_what_nobody_catches_is_told_without_its_text() -> None:
    code = (
        "from infra import logging; from lrs.settings import Settings\n"
        "logging.configure(Settings(), 'test'); raise ValueError('marker-of-a-person')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stderr)["exception"] == "ValueError"
    assert "marker-of-a-person" not in done.stderr
