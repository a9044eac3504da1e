"""Requests as they are seen: their id, their line in the log, their figures."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from aihub.kit import logs
from aihub.kit.http import Answer, Call, Operation, build_routes
from aihub.kit.metrics import HttpMetrics
from aihub.kit.observing import Observing

_COUNT = "aihub_http_request_duration_seconds_count"


class Hub:
    """A small application, observed."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = HttpMetrics(self.registry)
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/page/{token}", self.page),
                Route("/broken/{token}", self.broken),
                Route("/waiting", self.waiting),
                Route("/events", self.events),
                *build_routes([_operation("/v1/things/{id}", self.thing)], _nobody, _around),
            ],
            middleware=[Middleware(Observing, metrics=self.metrics)],
        )
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hub.test")

    async def page(self, _: Request) -> Response:
        logging.getLogger("aihub.tests").info("inside")
        return PlainTextResponse("hello")

    async def broken(self, _: Request) -> Response:
        raise RuntimeError("broken")

    async def waiting(self, _: Request) -> Response:
        self.begun.set()
        await self.go_on.wait()
        return PlainTextResponse("done")

    async def events(self, _: Request) -> Response:
        async def send() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            self.begun.set()
            await self.go_on.wait()

        return StreamingResponse(send(), media_type="text/event-stream")

    async def thing(self, call: Call) -> Answer:
        """One."""
        if call.path["id"] == "bad":
            raise RuntimeError("bad")
        return Answer({"id": call.path["id"]})

    def count(self, method: str, route: str, status: int) -> float:
        labels = {"method": method, "route": route, "status": str(status)}
        return self.registry.get_sample_value(_COUNT, labels) or 0

    @property
    def total(self) -> float:
        return sum(
            sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == _COUNT
        )


def _operation(path: str, handler: Any) -> Operation:
    return Operation(method="GET", path=path, handler=handler, scope=None, tag="")


async def _nobody(request: Request, scope: str, *, is_write: bool) -> Any:
    raise NotImplementedError


async def _around(call: Call, handler: Any) -> Answer:
    return await handler(call)  # type: ignore[no-any-return]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    made = Hub()
    async with made.client:
        yield made


@pytest.fixture
def lines() -> Iterator[Any]:
    """All lines since the test began, as objects."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter())
    logger = logging.getLogger("aihub")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ("abc", True),
        ("019ac5d2-7d3e-7000-8000-000000000000", True),
        ("trace:1.2_3", True),
        ("a" * 64, True),
        ("a" * 65, False),
        ("", False),
        ("two words", False),
        ("ada@example.com", False),
        ('"}', False),
        ("-dash", False),
    ],
)
async def test_the_callers_id_is_taken_when_it_is_a_plain_word(
    hub: Hub, given: str, is_taken: bool
) -> None:
    for path in ("/page/x", "/v1/things/1", "/nowhere"):
        answer = await hub.client.get(path, headers={"X-Request-Id": given})
        (found,) = answer.headers.get_list("x-request-id")
        assert (found == given) == is_taken
        assert found


async def test_every_line_of_a_request_has_its_id(hub: Hub, lines: Any) -> None:
    answer = await hub.client.get("/page/a-secret-token")
    inside, access = lines()
    assert inside["request_id"] == access["request_id"] == answer.headers["x-request-id"]
    assert access["logger"] == "aihub.access"
    assert (access["method"], access["route"], access["status"]) == ("GET", "/page/{token}", 200)
    assert access["duration_ms"] > 0
    assert "a-secret-token" not in json.dumps([inside, access])


async def test_a_failure_is_told_with_its_route_and_id(hub: Hub, lines: Any) -> None:
    answer = await hub.client.get("/v1/things/bad")
    failed, access = lines()
    assert answer.status_code == 500
    assert failed["message"] == "GET /v1/things/{id} failed"
    assert failed["request_id"] == answer.json()["request_id"] == access["request_id"]
    assert "RuntimeError: bad" in failed["error"]
    assert access["level"] == "warning"


async def test_requests_are_counted_by_the_pattern_of_their_route(hub: Hub) -> None:
    for n in range(3):
        await hub.client.get(f"/v1/things/{n}")
    await hub.client.get("/page/x")
    await hub.client.post("/page/x")
    await hub.client.get("/broken/x")
    for n in range(4):
        await hub.client.request("BREW", f"/nowhere/{n}")
    await hub.client.delete("/v1/things/1")
    assert hub.count("GET", "/v1/things/{id}", 200) == 3
    assert hub.count("DELETE", "/v1/things/{id}", 405) == 1
    assert hub.count("GET", "/page/{token}", 200) == 1
    assert hub.count("POST", "/page/{token}", 405) == 1
    assert hub.count("GET", "/broken/{token}", 500) == 1
    assert hub.count("other", "unmatched", 404) == 4
    assert hub.total == 11
    assert hub.metrics.in_flight == 0


async def test_requests_in_flight_are_counted_and_forgotten(hub: Hub) -> None:
    asking = [asyncio.create_task(hub.client.get("/waiting")) for _ in range(2)]
    await hub.begun.wait()
    await asyncio.sleep(0.01)
    assert hub.metrics.in_flight == 2
    asking[0].cancel()  # as when the client goes
    await asyncio.gather(asking[0], return_exceptions=True)
    assert hub.metrics.in_flight == 1
    hub.go_on.set()
    await asking[1]
    assert hub.metrics.in_flight == 0
    assert hub.count("GET", "/waiting", 200) == 1
    assert hub.count("GET", "/waiting", 499) == 1


async def test_an_event_stream_counts_as_it_begins(hub: Hub, lines: Any) -> None:
    asking = asyncio.create_task(hub.client.get("/events"))
    await hub.begun.wait()
    assert (hub.metrics.in_flight, hub.metrics.streams) == (0, 1)
    assert hub.count("GET", "/events", 200) == 1
    assert len(lines()) == 1
    hub.go_on.set()
    await asking
    assert (hub.metrics.in_flight, hub.metrics.streams) == (0, 0)
    assert hub.total == 1
