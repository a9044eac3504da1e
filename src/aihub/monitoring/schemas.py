"""What the checks answer."""

from typing import Literal

import msgspec

from aihub.monitoring.models import Lag, Migrations, Queue, Writes


class Health(msgspec.Struct):
    """This process runs."""

    status: Literal["ok"]
    version: str


class Readiness(msgspec.Struct):
    """Requests can be served. `degraded`: with what `notes` say.

    `writes` is `refused` while the disk is full, `stuck` while a flush does not come to its end.
    """

    status: Literal["ok", "degraded"]
    database: Literal["ok"]
    writes: Writes
    migrations: Migrations
    rollups: Lag
    jobs: Queue
    reports: Lag
    notes: list[str]
