"""What the sync and the async client share: everything but the waiting."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any, Generic
from urllib.parse import quote
from uuid import UUID

import msgspec

from aihub.client import events
from aihub.client.engine import Engine, Ticket
from aihub.client.errors import HubError, Invalid, error_from_problem
from aihub.client.events import Action, Event, T, WriteOptions, as_id
from aihub.client.models import Call, Conversation, Feedback, Message
from aihub.client.per_process import PerProcess
from aihub.client.reads import (
    CallFilters,
    CallPage,
    ConversationFilters,
    ConversationPage,
    Include,
    MessagePage,
    Read,
)
from aihub.client.spool import Rejected
from aihub.client.spool_file import default_spool_path
from aihub.client.transport import Address


class DefaultSpool(Enum):
    """The spool when none is named."""

    FILE = "a file in the user's state folder"


@dataclass(frozen=True, slots=True)
class Write(Generic[T]):
    """One write: its event, what the answer is decoded to, what is known without an answer, and
    how long to wait for it (seconds; None: not at all)."""

    event: Event
    kind: type[T]
    pending: T
    patience: float | None


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """A write that the hub refused for good; `body` is what was sent, `error` why not."""

    id: str
    type: str
    organization_id: str
    conversation_id: str | None
    body: dict[str, Any]
    error: HubError
    failed_at: datetime


class HubCore:
    """Settings, state and requests of a client.

    `base_url`: where the hub is. `api_key`: a key of an organization (`ahk_…`), an operator's
    (`aho_…`) or a Supabase JWT. `organization_id`: used where a call names none. `timeout`: seconds
    a call waits for the hub. `spool`: the file that holds writes until the hub has them; None keeps
    them in memory, where a crash of this process loses them. `verify`, `proxy`: as in httpx.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8080",
        *,
        api_key: str | None = None,
        organization_id: str | None = None,
        timeout: float = 10.0,
        spool: Path | str | DefaultSpool | None = DefaultSpool.FILE,
        verify: bool | ssl.SSLContext = True,
        proxy: str | None = None,
    ) -> None:
        self.address = Address(base_url.rstrip("/"), api_key, verify, proxy)
        self.organization_id = organization_id
        self.timeout = timeout
        if isinstance(spool, DefaultSpool):
            path: Path | None = default_spool_path(self.address.base_url, api_key or "")
        else:
            path = Path(spool) if spool is not None else None
        self._engines = PerProcess(lambda: Engine(self.address, path))

    @property
    def engine(self) -> Engine:
        """This process's engine."""
        return self._engines.get()

    @property
    def pending_count(self) -> int:
        """Writes of this client that the hub has not confirmed."""
        return self.engine.lanes.waiting

    @property
    def last_error(self) -> HubError | None:
        """Why the last attempt to send failed; None when it did not."""
        return self.engine.lanes.last_error

    # ---------- writes ----------

    def conversation_write(
        self, user_id: str, fields: events.ConversationFields
    ) -> Write[Conversation]:
        """`create_conversation`."""
        organization = self._organization(fields.get("organization_id"))
        event = events.conversation_created(organization, user_id, fields)
        return self._write(event, Conversation, fields)

    def message_write(
        self, conversation_id: str | UUID, content: str, fields: events.MessageFields
    ) -> Write[Message]:
        """`add_message`."""
        organization = self._organization(fields.get("organization_id"), conversation_id)
        event = events.message_added(organization, conversation_id, content, fields)
        return self._write(event, Message, fields)

    def call_write(
        self, fields: events.CallFields, *, provider: str, model: str, api: str
    ) -> Write[Call]:
        """`record_call`."""
        organization = self._organization(
            fields.get("organization_id"), fields.get("conversation_id")
        )
        event = events.call_recorded(organization, fields, provider=provider, model=model, api=api)
        return self._write(event, Call, fields)

    def feedback_write(
        self, conversation_id: str | UUID, score: float, fields: events.FeedbackFields
    ) -> Write[Feedback]:
        """`add_feedback`."""
        organization = self._organization(fields.get("organization_id"), conversation_id)
        event = events.feedback_given(organization, conversation_id, score, fields)
        return self._write(event, Feedback, fields)

    def move_write(
        self, conversation_id: str | UUID, action: Action, fields: events.MoveOptions
    ) -> Write[Conversation]:
        """`pause`, `resume`, `complete`, `archive`, `reopen`."""
        organization = self._organization(fields.get("organization_id"), conversation_id)
        event = events.move_asked(organization, conversation_id, action, fields)
        return self._write(event, Conversation, fields)

    def update_write(
        self, conversation_id: str | UUID, fields: events.UpdateFields
    ) -> Write[Conversation]:
        """`update_conversation`."""
        organization = self._organization(fields.get("organization_id"), conversation_id)
        event = events.update_asked(organization, conversation_id, fields)
        return self._write(event, Conversation, fields)

    def answered(self, write: Write[T], data: bytes) -> T:
        """The object in the hub's answer to a write."""
        try:
            found = msgspec.json.decode(data, type=write.kind)
        except msgspec.MsgspecError as error:
            raise HubError(f"the answer is not a hub's: {error}", code="bad_answer") from error
        if isinstance(found, Conversation):
            self.engine.organizations.remember(found.id, write.event.organization_id)
        return found

    def unanswered(self, write: Write[T], ticket: Ticket) -> T:
        """What to give a caller whose patience ended: the pending object, for the write is safe;
        or the error, where the hub refuses this organization altogether."""
        self.engine.forget(ticket)
        refusal = self.engine.lanes.refusal(write.event.organization_id)
        if refusal is not None:
            raise refusal
        return write.pending

    def read_instead(self, write: Write[T]) -> Read[T]:
        """What to read after a move that had happened already: a retry whose first answer was
        lost."""
        event = write.event
        return Read(self._path(event.conversation_id or ""), write.kind, event.organization_id, {})

    # ---------- reads ----------

    def conversation_read(
        self, conversation_id: str | UUID, organization_id: str | None, include: Include = ()
    ) -> Read[Conversation]:
        """`get_conversation`."""
        return Read(
            self._path(conversation_id),
            Conversation,
            self._organization(organization_id, conversation_id),
            {"include": ",".join(include) or None},
        )

    def messages_read(
        self, conversation_id: str | UUID, organization_id: str | None
    ) -> Read[MessagePage]:
        """`get_messages`."""
        organization = self._organization(organization_id, conversation_id)
        return Read(self._path(conversation_id) + "/messages", MessagePage, organization, {})

    def conversations_read(
        self, organization_id: str | None, page_size: int, filters: ConversationFilters
    ) -> Read[ConversationPage]:
        """`list_conversations`."""
        organization = self._organization(organization_id)
        params = {"limit": page_size, **filters}
        return Read("/v1/conversations", ConversationPage, organization, params)

    def calls_read(
        self, organization_id: str | None, page_size: int, filters: CallFilters
    ) -> Read[CallPage]:
        """`list_calls`."""
        organization = self._organization(organization_id)
        return Read("/v1/calls", CallPage, organization, {"limit": page_size, **filters})

    def call_read(self, call_id: str | UUID, organization_id: str | None) -> Read[Call]:
        """`get_call`."""
        path = f"/v1/calls/{quote(as_id(call_id), safe='')}"
        return Read(path, Call, self._organization(organization_id), {})

    def seen(self, conversation: Conversation | None, organization_id: str) -> Conversation | None:
        """Remember a conversation's organization. None for one of another organization than was
        asked for: a key that belongs to one is answered from that one."""
        if conversation is None:
            return None
        theirs = conversation.organization_id
        if organization_id and theirs is not None and as_id(theirs) != as_id(organization_id):
            return None
        self.engine.organizations.remember(conversation.id, organization_id)
        return conversation

    # ---------- both ----------

    def _write(self, event: Event, kind: type[T], options: WriteOptions) -> Write[T]:
        timeout = options.get("timeout")
        patience = self.timeout if timeout is None else timeout
        return Write(
            event,
            kind,
            events.pending_object(event, kind),
            patience if options.get("wait", True) else None,
        )

    def _organization(
        self, organization_id: str | None, conversation_id: str | UUID | None = None
    ) -> str:
        """The organization to name in a request: the one given, the conversation's, the client's
        own; "" where the key alone decides. An operator's key needs one: Invalid without."""
        found = organization_id
        if found is None and conversation_id is not None:
            found = self.engine.organizations.get(as_id(conversation_id))
        found = found or self.organization_id or ""
        if not found and self.address.acts_for_any_organization:
            raise Invalid(
                "an operator's key needs to know the organization",
                code="organization_required",
                errors=[{"field": "organization_id", "message": "required"}],
            )
        return found

    def _path(self, conversation_id: str | UUID) -> str:
        known_as = self.engine.resolve(as_id(conversation_id))
        return f"/v1/conversations/{quote(known_as, safe='')}"


def failed_event(rejected: Rejected) -> FailedEvent:
    """A refused event as callers see it."""
    event = rejected.event
    return FailedEvent(
        id=event.id,
        type=event.type,
        organization_id=event.organization_id,
        conversation_id=event.conversation_id,
        body=msgspec.json.decode(event.body),
        error=error_from_problem(rejected.status, msgspec.json.decode(rejected.problem)),
        failed_at=datetime.fromtimestamp(rejected.failed_at, UTC),
    )
