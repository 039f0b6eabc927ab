"""Figures of the server for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rebalancer.wlb.service import Service

PREFIX = "rebalancer_wlb"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Measures:
    """What was asked, how it ended and how long it took; how old the views of the pools of *service* are."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._calls = Counter(
            f"{PREFIX}_calls", "Calls by method, and how they ended.", ["method", "outcome"], registry=self._registry
        )
        self._seconds = Histogram(
            f"{PREFIX}_answer_seconds", "How long answers took.", ["method"], buckets=BUCKETS, registry=self._registry
        )
        self._registry.register(_Views(service))

    def note(self, method: str, outcome: str, seconds: float) -> None:
        """A call ended: `answered`, `refused`, `malformed`, `unauthorised` or `failed`."""
        self._calls.labels(method, outcome).inc()
        self._seconds.labels(method).observe(seconds)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)


class _Views(Collector):
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[GaugeMetricFamily]:
        seen = GaugeMetricFamily(f"{PREFIX}_seen_timestamp_seconds", "When the pool was seen last.", labels=["pool"])
        steps = GaugeMetricFamily(f"{PREFIX}_plan_steps", "Steps of the plan made last.", labels=["pool"])
        for uuid, watch in sorted(self._service.watches.items()):
            if watch.seen_at is not None:
                seen.add_metric([uuid], watch.seen_at.timestamp())
            if watch.plan is not None:
                steps.add_metric([uuid], len(watch.plan.steps))
        yield seen
        yield steps
