"""What the environment says: the only place that reads it. Every name starts with AIHUB_."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

_PREFIX = "AIHUB_"

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Connections = Annotated[int, msgspec.Meta(ge=2, le=500)]


class UnusableSettings(Exception):
    """The environment holds a setting that is unknown or makes no sense."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings with their defaults; each is described in `docs/guide/settings.md`."""

    database_url: str | None = None
    pg_bin: str | None = None
    pg_pooler: Literal["transaction", "session"] | None = None
    pg_user: str | None = None
    home: str | None = None
    host: str = "127.0.0.1"
    port: Port = 8080
    public_url: str | None = None
    pool_size: Connections = 10
    jwt_secret: str | None = None
    jwks_url: str | None = None
    jwt_audience: str = "authenticated"
    jwt_issuer: str | None = None
    secret_key: Annotated[str, msgspec.Meta(min_length=32)] | None = None
    session_hours: Annotated[float, msgspec.Meta(gt=0, le=24 * 365)] = 24 * 14
    min_free_disk_mb: Annotated[int, msgspec.Meta(ge=0)] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    metrics_token: Annotated[str, msgspec.Meta(min_length=16, pattern=r"^[!-~]+$")] | None = None

    @property
    def home_dir(self) -> Path:
        """The folder of the embedded database. Root's own home is closed to PostgreSQL's user."""
        if self.home is not None:
            return Path(self.home).expanduser()
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            return Path("/var/lib/aihub")
        return Path("~/.local/share/aihub").expanduser()


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environment` (that of this process). Raises UnusableSettings."""
    found = os.environ if environment is None else environment
    given = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in found.items()
        if name.startswith(_PREFIX) and not name.startswith("AIHUB_TEST_") and value != ""
    }
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UnusableSettings(_explain(error)) from error


def _explain(error: msgspec.ValidationError) -> str:
    text = str(error)
    if "unknown field `" in text:
        name = text.split("unknown field `", 1)[1].split("`", 1)[0]
        return f"{_PREFIX}{name.upper()} is not a setting; see docs/guide/settings.md."
    what, _, where = text.partition(" - at `$.")
    return f"{_PREFIX}{where.rstrip('`').upper()}: {what[:1].lower()}{what[1:]}."
