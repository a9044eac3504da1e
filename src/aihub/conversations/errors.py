"""What can be wrong with a write to a conversation."""

from uuid import UUID

from aihub.conversations.rules import legal_actions
from aihub.kit.errors import Conflict, NotFound


class ConversationNotFound(NotFound):
    """No such conversation in this organization."""

    code = "conversation_not_found"

    def __init__(self, conversation_id: UUID | str) -> None:
        super().__init__(f"There is no conversation {conversation_id}.")


class MessageNotFound(NotFound):
    """No such message in this conversation."""

    code = "message_not_found"

    def __init__(self, message_id: UUID | None) -> None:
        super().__init__(f"The conversation has no message {message_id}.")


class CallNotFound(NotFound):
    """No such model call in this organization."""

    code = "call_not_found"

    def __init__(self, call_id: UUID) -> None:
        super().__init__(f"There is no call {call_id}.")


class ConversationClosed(Conflict):
    """A message for a completed or archived conversation, without `reopen=true`."""

    code = "conversation_closed"

    def __init__(self, status: str) -> None:
        super().__init__(
            f"The conversation is {status}. Reopen it first, or send ?reopen=true.",
            current=status,
        )


class IllegalTransition(Conflict):
    """A move that the present status does not allow."""

    code = "illegal_transition"

    def __init__(self, action: str, status: str) -> None:
        legal = legal_actions(status)
        super().__init__(
            f"A conversation that is {status} cannot be moved by {action!r}; "
            f"legal are: {', '.join(legal)}.",
            current=status,
            legal=legal,
        )


class IdTaken(Conflict):
    """The id belongs to something else in this organization."""

    code = "id_taken"

    def __init__(self, given: UUID) -> None:
        super().__init__(f"The id {given} is taken by something else. Use a new UUIDv7.")
