"""A hub opened for a command: database up and migrated, nothing served."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aihub.hosting import Hosting
from aihub.main import Hub
from aihub.settings import Settings


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Hub]:
    """A hub for the length of a command. A running server on the same database goes on."""
    hosting = Hosting(settings)
    await hosting.open()
    hub = Hub(settings, hosting)
    try:
        await hub.start(does_upkeep=False)
        yield hub
    finally:
        await hub.stop()
