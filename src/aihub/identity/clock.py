"""Time, as something that can be passed in."""

import time
from datetime import UTC, datetime


class Clock:
    """The real time."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()
