"""An open page whose hub goes away and comes back: its tiles move again by themselves."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from .test_browser import ada, chromium, page
from .test_browser_boards import _app, store_messages

__all__ = ["ada", "chromium", "page"]

pytestmark = [pytest.mark.browser, pytest.mark.fault]


class Serving:
    """The pages with the live numbers behind them, at one port, as often as they are started."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self) -> None:
        config = uvicorn.Config(
            _app(self._dsn), port=self.port, log_level="critical", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 15
        while not self._server.started:
            assert time.monotonic() < deadline, "the pages did not come up"
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def serving(world) -> Iterator[Serving]:
    found = Serving(world.dsn)
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def address(serving: Serving) -> str:
    return f"http://127.0.0.1:{serving.port}"


def test_tiles_resume_after_a_restart(ada, world, serving) -> None:
    ada.set_default_timeout(30_000)
    ada.goto("/operations")
    ada.locator(".live-state.is-live").wait_for()
    serving.stop()
    ada.locator(".live-state:not(.is-live)").wait_for()
    serving.start()
    ada.locator(".live-state.is-live").wait_for()
    before = ada.locator("[data-field=tokens_per_minute]").inner_text()
    store_messages(world, 2)
    ada.wait_for_function(
        "before => document.querySelector('[data-field=tokens_per_minute]').textContent !== before",
        arg=before,
    )
