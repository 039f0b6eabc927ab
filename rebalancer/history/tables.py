"""The tables of the history. Times are UTC; loads are in pCPUs, shares of what plans count on; sizes in bytes."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import DateTime, TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """A time with a zone, kept in UTC; SQLite knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As the database takes it."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """As it was given."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


META = MetaData()

VERSION = Table("schema_version", META, Column("version", Integer, nullable=False))

SOURCES = Table(
    "sources",
    META,
    Column("folder", Text, primary_key=True),
    Column("file", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("changed_ns", BigInteger, nullable=False),
    Column("plan", Text, nullable=False),
)
"""Files that were read, as they were then; `folder` is the state folder, with the name of its machine."""

NIGHTS = Table(
    "nights",
    META,
    Column("policy", Text, primary_key=True),
    Column("began_at", UtcTime, primary_key=True),
    Column("pool_uuid", Text, primary_key=True),
    Column("pool_name", Text, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("capacity_pcpus", Float),
    Column("busiest_pcpus", Float),
    Column("memory_total_bytes", BigInteger),
    Column("memory_used_bytes", BigInteger),
)

PLANS = Table(
    "plans",
    META,
    Column("plan", Text, primary_key=True),
    Column("pool_uuid", Text, nullable=False),
    Column("pool_name", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("threshold_share", Float, nullable=False),
    Column("missing_moves", Integer, nullable=False),
    Column("predicted_seconds", Float, nullable=False),
)

OBJECTIVES = Table(
    "objectives",
    META,
    Column("plan", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("objective", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("before", Float, nullable=False),
    Column("after", Float, nullable=False),
    Column("bound", Float, nullable=False),
    Column("proved", Boolean, nullable=False),
)

HOSTS = Table(
    "plan_hosts",
    META,
    Column("plan", Text, primary_key=True),
    Column("host_uuid", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("peak_before_share", Float),
    Column("peak_after_share", Float),
    Column("overload_before_pcpu_hours", Float),
    Column("overload_after_pcpu_hours", Float),
    Column("memory_before_bytes", BigInteger, nullable=False),
    Column("memory_after_bytes", BigInteger, nullable=False),
    Column("memory_total_bytes", BigInteger),
)

STEPS = Table(
    "plan_steps",
    META,
    Column("plan", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("vm_uuid", Text, nullable=False),
    Column("vm", Text, nullable=False),
    Column("source_uuid", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("target_uuid", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("copied_bytes", BigInteger, nullable=False),
    Column("predicted_seconds", Float, nullable=False),
)

RUNS = Table(
    "runs",
    META,
    Column("plan", Text, primary_key=True),
    Column("pool_uuid", Text, nullable=False),
    Column("began_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("words", Text, nullable=False),
)
"""One row a journal: all runs of one plan."""

ENDS = Table(
    "step_ends",
    META,
    Column("plan", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("step", Text, nullable=False),
    Column("pool_uuid", Text, nullable=False),
    Column("vm_uuid", Text, nullable=False),
    Column("source_uuid", Text, nullable=False),
    Column("target_uuid", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("seconds", Float),
    Column("wire_seconds", Float),
    Column("error", Text, nullable=False),
    Column("words", Text, nullable=False),
    Index("step_ends_by_vm", "pool_uuid", "vm_uuid", "at"),
)
"""What the pool showed after each try of a step; `error` is a JSON list, `seconds` known where one run saw it all."""

OWNERS = Table(
    "owners",
    META,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("pool_uuid", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("uuid", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("pool_uuid", "uuid"),
)
"""VMs, and hosts for what they use themselves, whose load is kept."""

SAMPLES = Table(
    "samples",
    META,
    Column("owner", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("pcpu", LargeBinary, nullable=False),
)
"""24 hours of a day in UTC: whole numbers of 4 bytes, the lowest first, in 0.0001 pCPUs; -1 where nothing is known."""

CHECKS = Table(
    "checks",
    META,
    Column("plan", Text, primary_key=True),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("elsewhere", Integer, nullable=False),
    Column("overload_predicted_pcpu_hours", Float, nullable=False),
    Column("overload_measured_pcpu_hours", Float, nullable=False),
    Column("overload_unmoved_pcpu_hours", Float, nullable=False),
)
"""The day after a run, by what was measured; `unmoved` is what it would have been had nothing been moved."""

CHECKED_HOSTS = Table(
    "checked_hosts",
    META,
    Column("plan", Text, primary_key=True),
    Column("host_uuid", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("peak_predicted_share", Float, nullable=False),
    Column("peak_measured_share", Float, nullable=False),
)

OF_PLANS = (PLANS, OBJECTIVES, HOSTS, STEPS)
"""What a plan file tells."""
OF_JOURNALS = (RUNS, ENDS)
"""What a journal tells."""
OF_CHECKS = (CHECKS, CHECKED_HOSTS)
"""What is measured once a run is over."""
