"""Gauges for `/metrics` that are asked for: what each institution holds, how each shard is.

Ids, names of shards and numbers; no names of institutions and no people.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.parts import Part
from lrs.usage import Total


def of_parts(parts: Iterable[Part]) -> bytes:
    """Returns the gauges of the parts of every shard as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Parts(parts))
    return generate_latest(registry)


def of_usage(totals: Iterable[Total]) -> bytes:
    """Returns the gauges as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Totals(totals))
    return generate_latest(registry)


class _Totals(Collector):
    def __init__(self, totals: Iterable[Total]) -> None:
        self._totals = list(totals)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields a family for each number."""
        statements = GaugeMetricFamily(
            "lrs_institution_statements", "Statements recorded.", labels=["institution"]
        )
        held = GaugeMetricFamily(
            "lrs_institution_bytes", "Sealed bytes held.", labels=["institution"]
        )
        for total in self._totals:
            statements.add_metric([str(total.institution)], total.statements)
            held.add_metric([str(total.institution)], total.bytes)
        yield statements
        yield held


class _Parts(Collector):
    def __init__(self, parts: Iterable[Part]) -> None:
        self._parts = list(parts)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields a family for each number; what all shards share has no shard."""
        labels = ["shard", "part"]
        well = GaugeMetricFamily("lrs_part_well", "1 where the part is well.", labels=labels)
        behind = GaugeMetricFamily(
            "lrs_part_behind_events", "Events of the log before this stage.", labels=labels
        )
        seconds = GaugeMetricFamily(
            "lrs_part_behind_seconds", "Age of the oldest of them.", labels=labels
        )
        for part in self._parts:
            place = [part.shard or "", part.name]
            well.add_metric(place, part.well)
            if part.behind is not None and part.seconds is not None:
                behind.add_metric(place, part.behind)
                seconds.add_metric(place, part.seconds)
        yield from (well, behind, seconds)
