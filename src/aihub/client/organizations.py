"""Which organization a conversation is written to."""

import threading
from collections import OrderedDict

REMEMBERED = 100_000  # conversations whose organization is known without being told


class Organizations:
    """Which organization a conversation is written to: the latest ones. Safe for threads.

    The first that was named stays ("" where none was): all writes to a conversation have to take
    the same lane, or they could arrive out of order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, str] = OrderedDict()

    def remember(self, conversation_id: str | None, organization_id: str) -> None:
        """Note a pair; the one not used for the longest time is forgotten beyond the bound."""
        if conversation_id:
            with self._lock:
                self._known.setdefault(conversation_id, organization_id)
                self._known.move_to_end(conversation_id)
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)

    def get(self, conversation_id: str) -> str | None:
        """The organization, if known."""
        with self._lock:
            return self._known.get(conversation_id)
