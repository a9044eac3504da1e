"""`/health/live`, `/health/ready` and `/metrics`."""

import hmac
from dataclasses import asdict
from ipaddress import ip_address

from starlette.requests import Request

from aihub.kit.errors import Unauthorized
from aihub.kit.http import Answer, Call, Operation
from aihub.kit.metrics import MEDIA_TYPE
from aihub.monitoring.errors import NotReady
from aihub.monitoring.schemas import Health, Readiness
from aihub.monitoring.service import Monitoring

_TAG = "Operations"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class MonitoringRoutes:
    """Endpoints for those who run the hub, and for what watches it."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring

    def operations(self) -> list[Operation]:
        """All of them; open, but for the figures."""
        return [
            Operation(
                method="GET", path="/health/live", handler=self.show_live, scope=None,
                tag=_TAG, answers={200: Health},
            ),
            Operation(
                method="GET", path="/health/ready", handler=self.show_ready, scope=None,
                tag=_TAG, answers={200: Readiness}, errors=(503,),
            ),
            Operation(
                method="GET", path="/metrics", handler=self.show_metrics, scope=None,
                tag=_TAG, answers={200: None}, errors=(401,),
            ),
        ]  # fmt: skip

    async def show_live(self, _: Call) -> Answer:
        """Whether this process runs: always 200."""
        return Answer({"status": "ok", "version": self._monitoring.options.version})

    async def show_ready(self, _: Call) -> Answer:
        """Whether requests can be served: 200, or 503 when they cannot.

        `degraded` with 200: requests are served, and something else is not well; `notes` say what.
        503: the database is away, migrations are missing, or the writer of this process has ended.
        """
        verdict = await self._monitoring.check()
        found = asdict(verdict) | {"database": "ok"}
        if verdict.status == "unavailable":
            raise NotReady(" ".join(verdict.notes), checks=found)
        return Answer(found)

    async def show_metrics(self, call: Call) -> Answer:
        """Figures of this process and of the database, in the text format of Prometheus.

        With `AIHUB_METRICS_TOKEN` for whoever sends it as a Bearer, else for this machine alone.
        """
        _require_watcher(call.request, self._monitoring.options.token)
        return Answer(await self._monitoring.render(), media_type=MEDIA_TYPE)


def _require_watcher(request: Request, token: str | None) -> None:
    if token is not None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.encode(), token.encode())
        if scheme.lower() != "bearer" or not is_right:
            raise Unauthorized("Send the token of AIHUB_METRICS_TOKEN as a Bearer.")
        return
    # a request that a proxy on this machine passes on comes from elsewhere
    if not _is_loopback(request) or any(name in request.headers for name in _FORWARDED):
        raise Unauthorized("Without AIHUB_METRICS_TOKEN the figures are for this machine alone.")


def _is_loopback(request: Request) -> bool:
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # as a socket of both families writes it
    return (mapped or address).is_loopback
