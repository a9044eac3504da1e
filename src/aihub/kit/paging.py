"""Keyset paging: a cursor names the last row shown, so pages neither skip nor repeat rows."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aihub.kit.errors import Invalid

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encode_cursor(at: datetime, row_id: UUID) -> str:
    """An opaque cursor for the row at (`at`, `row_id`), exact to the microsecond."""
    micros = (at - _EPOCH) // timedelta(microseconds=1)
    raw = micros.to_bytes(8, "big", signed=True) + row_id.bytes
    return base64.urlsafe_b64encode(raw).decode()


def decode_cursor(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place a cursor names. Raises Invalid for what `encode_cursor` has not made."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        micros = int.from_bytes(raw[:8], "big", signed=True)
        return _EPOCH + timedelta(microseconds=micros), UUID(bytes=raw[8:])
    except (ValueError, OverflowError, binascii.Error) as error:
        raise Invalid.field("cursor", "is not a cursor that this list has given") from error
