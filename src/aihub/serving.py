"""Running a hub in this process until it is told to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn

from aihub.hosting import Hosting
from aihub.main import Hub, create_app
from aihub.settings import Settings

_log = logging.getLogger(__name__)

_GRACE_SECONDS = 5

Ready = Callable[[Hub, str], Awaitable[None]]


class PortTaken(Exception):
    """Somebody else listens at the address."""


class NotStarted(Exception):
    """The hub could not begin to serve; the log says why."""


class _Server(uvicorn.Server):
    """Ends by returning; uvicorn's own would end by sending itself the signal once more."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # open streams would be waited for until the grace is over: they end by themselves now
        self._hub.live.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def serve(
    settings: Settings, *, on_ready: Ready | None = None, does_upkeep: bool = True
) -> None:
    """Serve HTTP until SIGINT or SIGTERM. `on_ready` runs beside it once requests are answered.

    Raises EmbeddedError, MigrationError, PreparationError, DatabaseAway, PortTaken, NotStarted.
    """
    listener = _listen(settings)
    with listener:
        hosting = Hosting(settings)
        await hosting.open()
        try:
            await _serve(settings, hosting, listener, on_ready, does_upkeep=does_upkeep)
        finally:
            await hosting.stop()  # the hub has done so itself, unless it failed or was hurried


async def _serve(
    settings: Settings,
    hosting: Hosting,
    listener: socket.socket,
    on_ready: Ready | None,
    *,
    does_upkeep: bool,
) -> None:
    hub = Hub(settings, hosting)
    server = _Server(
        uvicorn.Config(
            create_app(hub, does_upkeep=does_upkeep),
            log_level=settings.log_level,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        ),
        hub,
    )
    helper = asyncio.create_task(_when_ready(server, hub, settings, listener, on_ready))
    helper.add_done_callback(lambda task: _stop_on_failure(task, server))
    await server.serve(sockets=[listener])
    helper.cancel()
    with suppress(asyncio.CancelledError):
        await helper
    if not server.started:
        raise NotStarted("The hub could not be started; the lines above say why.")


async def work(settings: Settings) -> None:
    """Do the upkeep alone, without HTTP, until SIGINT or SIGTERM."""
    hosting = Hosting(settings)
    await hosting.open()
    hub = Hub(settings, hosting)
    try:
        await hub.start()
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        _log.info("working")
        await stop.wait()
    finally:
        await hub.stop()


def _stop_on_failure(task: asyncio.Task[None], server: uvicorn.Server) -> None:
    if not task.cancelled() and task.exception() is not None:
        server.should_exit = True


async def _when_ready(
    server: uvicorn.Server,
    hub: Hub,
    settings: Settings,
    listener: socket.socket,
    on_ready: Ready | None,
) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = settings.public_url or f"http://{host}:{listener.getsockname()[1]}"
    _log.info("AI Hub serves %s", url)
    if on_ready is not None:
        await on_ready(hub, url.rstrip("/"))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Nobody can listen at {settings.host}:{settings.port}: {error.strerror}. Choose "
            "another port with --port or AIHUB_PORT."
        ) from error
    return listener
