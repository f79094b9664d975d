"""A sample of statements, opened on both sides: what was copied can be read with the keys there."""

import random

from domain.statements.events import StatementStored
from lrs.moves.log import LogCopy, NotEqual
from lrs.moves.sides import Side
from lrs.services import open_services

STATEMENTS = 50


def compare_sample(log: LogCopy) -> None:
    """Opens some statements on both sides. Raises `NotEqual` where they do not read the same."""
    rows = log.target.log.execute(
        "SELECT a.came_from, a.position FROM lrs.arrivals a"
        " JOIN lrs.statement_index i ON i.position = a.position"
        " WHERE a.institution = %s AND a.epoch = %s",
        [log.institution, log.epoch],
    ).fetchall()
    chosen = random.sample(rows, min(STATEMENTS, len(rows)))
    there = _read(log.source, [came_from for came_from, _ in chosen])
    here = _read(log.target, [position for _, position in chosen])
    if there != here or any(not isinstance(event, StatementStored) for event in here):
        raise NotEqual("statements do not read the same on both sides")


def _read(side: Side, positions: list[int]) -> list[object]:
    services = open_services(side.settings)
    try:
        return [recorded.event for recorded in services.store.at(sorted(positions))]
    finally:
        services.close()
