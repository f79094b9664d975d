"""The Faust application: one agent for each stream, nothing that Faust would have to remember.

Truth and progress live in Postgres; Faust hands out partitions and batches. An exception that left
an agent would lose its batch, so the agent ends the process instead, before anything is
acknowledged (`agents`).
"""

from collections.abc import Callable

import faust

from lrs.settings import Settings
from projections.views.apply import STREAMS
from stream_processors.agents import Agent, Repair
from stream_processors.partitions import topic


def make_app(settings: Settings, repair: Repair, end: Callable[[int], None]) -> faust.App:
    """Returns the application, not started. `end(code)` must end the process at once."""
    app = faust.App(
        f"{settings.topic_prefix}.worker",
        broker=[f"kafka://{address}" for address in settings.kafka.split(",")],
        datadir=str(settings.data / "faust"),
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=settings.kafka_partitions,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        broker_max_poll_records=500,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=1.0,
        stream_wait_empty=False,
    )
    for stream in STREAMS.values():
        source = app.topic(topic(settings.topic_prefix, stream.name), partitions=None)
        agent = Agent(settings, stream, repair, end)
        app.agent(source, name=stream.name, concurrency=1)(agent.consume)
    return app
