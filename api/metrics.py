"""What is counted at the edge, and the figures that others keep, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api import Gauge
from api.logging import log

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meter:
    """Counts requests of one application, in a registry of its own."""

    def __init__(self, gauges: Sequence[Gauge] = ()) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "quittance_requests",
            "Requests answered, by route template and status; 499 when the client had gone.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "quittance_request_seconds",
            "How long requests took.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Kept(gauges))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _Kept(Collector):
    """Asks for the gauges when somebody looks."""

    def __init__(self, gauges: Sequence[Gauge]) -> None:
        self._gauges = gauges

    def describe(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(g.name, g.meaning, labels=[g.label]) for g in self._gauges]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=[gauge.label])
            try:
                for value, figure in gauge.read().items():
                    family.add_metric([value], figure)
            except Exception as broken:
                # The other figures matter most when something is down; this one will be missing.
                log.warning("metrics.gauge_unreadable", gauge=gauge.name, exc_info=broken)
                continue
            yield family
