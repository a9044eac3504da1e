"""What other slices may call. Every function takes a connection first and an organization next."""

from aihub.conversations.commands import RecordCall
from aihub.conversations.metering import Meter
from aihub.conversations.models import (
    SOURCES,
    STATUSES,
    CallFilters,
    Conversation,
    ConversationFilters,
    Message,
    ModelCall,
    Page,
    Transition,
)
from aihub.conversations.routes import ConversationRoutes
from aihub.conversations.service import Conversations, EventStore, SystemOwner
from aihub.conversations.store import (
    apply_idle_rules,
    get_call,
    get_conversation,
    list_calls,
    list_conversations,
    list_messages,
    list_transitions,
    make_coming_partitions,
    purge_idempotency_keys,
)
from aihub.conversations.writer import Writer

__all__ = [
    "SOURCES",
    "STATUSES",
    "CallFilters",
    "Conversation",
    "ConversationFilters",
    "ConversationRoutes",
    "Conversations",
    "EventStore",
    "Message",
    "Meter",
    "ModelCall",
    "Page",
    "RecordCall",
    "SystemOwner",
    "Transition",
    "Writer",
    "apply_idle_rules",
    "get_call",
    "get_conversation",
    "list_calls",
    "list_conversations",
    "list_messages",
    "list_transitions",
    "make_coming_partitions",
    "purge_idempotency_keys",
]
