"""The relay process: the record store's services, and the relay over them."""

import asyncio
from signal import SIGINT, SIGTERM

from lrs.services import open_services
from lrs.settings import Settings
from stream_processors.relay import Relay


def run(settings: Settings) -> None:
    """Carries the log until SIGTERM; raises when Kafka or the database fails."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    services = open_services(settings)
    try:
        relay = Relay(services)
        for number in (SIGINT, SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, relay.stop)
        await relay.run()
    finally:
        services.close()
