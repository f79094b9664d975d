"""Gauges of what each institution holds, for `/metrics`: ids and sums, no names and no people."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lrs.usage import Total


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
