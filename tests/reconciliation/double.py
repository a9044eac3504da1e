"""A provider that speaks the billing endpoints of three over a real socket.

It checks what the real ones check: key, window, limits, grouping and the page it is asked for.
"""

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk-admin-the-right-one"
EPOCH = date(1970, 1, 1)

Answer = tuple[int, dict[str, str], bytes]


class Provider:
    """`usage` and `costs` hold the results of each day; `failures` are answered first, in turn."""

    def __init__(self) -> None:
        self.usage: dict[date, list[dict[str, Any]]] = {}
        self.costs: dict[date, list[dict[str, Any]]] = {}
        self.activity: list[dict[str, Any]] = []
        self.failures: list[Answer] = []
        self.page_size = 180  # fewer than were asked for, as a provider may give
        self.requests: list[str] = []
        self.hangs_at: int | None = None  # the number of a request that gets no answer
        self.hanging = threading.Event()
        self._let_go = threading.Event()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider.requests.append(self.path)
                if provider.hangs_at == len(provider.requests):
                    provider.hanging.set()
                    provider._let_go.wait(60)
                    self.close_connection = True
                    return
                status, headers, body = provider.answer(self.path, self.headers)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, status: int, **headers: str) -> None:
        """Answer the next request with an error."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.failures.append((status, named, b'{"error": {"message": "no"}}'))

    def answer(self, path: str, headers: Any) -> Answer:
        if self.failures:
            return self.failures.pop(0)
        parts = urlsplit(path)
        asked = parse_qs(parts.query)
        find: dict[str, Callable[[dict[str, list[str]], Any], Answer]] = {
            "/v1/organization/usage/completions": self._openai_usage,
            "/v1/organization/costs": self._openai_costs,
            "/v1/organizations/usage_report/messages": self._anthropic_usage,
            "/v1/organizations/cost_report": self._anthropic_costs,
            "/api/v1/activity": self._activity,
        }
        return find[parts.path](asked, headers) if parts.path in find else _error(404)

    def _openai_usage(self, asked: dict[str, list[str]], headers: Any) -> Answer:
        return self._openai(asked, headers, self.usage, limit=31, must_group_by="model")

    def _openai_costs(self, asked: dict[str, list[str]], headers: Any) -> Answer:
        return self._openai(asked, headers, self.costs, limit=180, must_group_by="line_item")

    def _openai(
        self,
        asked: dict[str, list[str]],
        headers: Any,
        results: dict[date, list[dict[str, Any]]],
        *,
        limit: int,
        must_group_by: str,
    ) -> Answer:
        if headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401)
        start, end = (_day_of(int(asked[name][0])) for name in ("start_time", "end_time"))

        def bucket(day: date) -> dict[str, Any]:
            since = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
            return {
                "object": "bucket",
                "start_time": since,
                "end_time": since + 86_400,
                "results": results.get(day, []),
            }

        return self._page(asked, start, end, bucket, limit, must_group_by)

    def _anthropic_usage(self, asked: dict[str, list[str]], headers: Any) -> Answer:
        return self._anthropic(asked, headers, self.usage, "model")

    def _anthropic_costs(self, asked: dict[str, list[str]], headers: Any) -> Answer:
        return self._anthropic(asked, headers, self.costs, "description")

    def _anthropic(
        self,
        asked: dict[str, list[str]],
        headers: Any,
        results: dict[date, list[dict[str, Any]]],
        must_group_by: str,
    ) -> Answer:
        if headers.get("x-api-key") != KEY or headers.get("anthropic-version") != "2023-06-01":
            return _error(401)
        start, end = (
            datetime.fromisoformat(asked[name][0]).date() for name in ("starting_at", "ending_at")
        )

        def bucket(day: date) -> dict[str, Any]:
            return {
                "starting_at": f"{day}T00:00:00Z",
                "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
                "results": results.get(day, []),
            }

        return self._page(asked, start, end, bucket, 31, must_group_by)

    def _page(
        self,
        asked: dict[str, list[str]],
        start: date,
        end: date,
        bucket: Callable[[date], dict[str, Any]],
        limit: int,
        must_group_by: str,
    ) -> Answer:
        count = int(asked["limit"][0])
        is_fine = asked["bucket_width"] == ["1d"] and 1 <= count <= limit and start < end
        if not is_fine or must_group_by not in asked.get("group_by[]", []):
            return _error(400)
        if "page" in asked:
            start = date.fromisoformat(base64.b64decode(asked["page"][0][5:]).decode())
        stop = min(start + timedelta(days=min(count, self.page_size)), end)
        days = [start + timedelta(days=n) for n in range((stop - start).days)]
        has_more = stop < end
        return _json(
            {
                "data": [bucket(day) for day in days],
                "has_more": has_more,
                "next_page": "page_" + base64.b64encode(f"{stop}".encode()).decode()
                if has_more
                else None,
            }
        )

    def _activity(self, asked: dict[str, list[str]], headers: Any) -> Answer:
        if headers.get("Authorization") != f"Bearer {KEY}":
            return _error(403)
        return _json({"data": self.activity})


def _day_of(seconds: int) -> date:
    assert seconds % 86_400 == 0
    return EPOCH + timedelta(days=seconds // 86_400)


def _json(content: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(content).encode()


def _error(status: int) -> Answer:
    return status, {}, f'{{"error": {{"message": "wrong key {KEY}"}}}}'.encode()
