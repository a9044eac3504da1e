"""The Python client of AI Hub: `from aihub.client import Hub, AsyncHub`."""

from aihub.client.async_hub import AsyncHub
from aihub.client.core import FailedEvent
from aihub.client.errors import (
    Conflict,
    Forbidden,
    HubError,
    HubUnavailable,
    Invalid,
    NotFound,
    RateLimited,
    SpoolError,
    TooLarge,
    Unauthorized,
)
from aihub.client.hub import Hub
from aihub.client.models import Call, Conversation, CostLine, Feedback, Message
from aihub.client.money import Money

__all__ = [
    "AsyncHub",
    "Call",
    "Conflict",
    "Conversation",
    "CostLine",
    "FailedEvent",
    "Feedback",
    "Forbidden",
    "Hub",
    "HubError",
    "HubUnavailable",
    "Invalid",
    "Message",
    "Money",
    "NotFound",
    "RateLimited",
    "SpoolError",
    "TooLarge",
    "Unauthorized",
]
