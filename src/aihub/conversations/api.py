"""What other slices may call. Every function takes a connection first and an organization next."""

from aihub.conversations.models import (
    CallFilters,
    Conversation,
    ConversationFilters,
    Message,
    ModelCall,
    Page,
    Transition,
)
from aihub.conversations.store import (
    get_call,
    get_conversation,
    list_calls,
    list_conversations,
    list_messages,
    list_transitions,
)

__all__ = [
    "CallFilters",
    "Conversation",
    "ConversationFilters",
    "Message",
    "ModelCall",
    "Page",
    "Transition",
    "get_call",
    "get_conversation",
    "list_calls",
    "list_conversations",
    "list_messages",
    "list_transitions",
]
