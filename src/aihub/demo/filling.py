"""Fills a hub with the sample month."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aihub.demo.generator import DEFAULT_SEED, Event, generate_events
from aihub.demo.organizations import ORGANIZATIONS, DemoOrganization

_EVENTS_A_CALL = 1_000
_FIRST_ERROR = 400
_REMEMBERED_PROBLEMS = 10


class StoredEvent(Protocol):
    """What became of one event: an HTTP status, and a problem document where it was refused."""

    @property
    def status(self) -> int:
        """2xx stored or known already, 4xx or 5xx not stored."""
        ...

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The problem document when it was not stored."""
        ...


class StoreEvents(Protocol):
    """Stores up to 1,000 events of one organization and tells of each, in the same order."""

    async def __call__(
        self, organization: str, events: Sequence[Event], /
    ) -> Sequence[StoredEvent]: ...


@dataclass(slots=True)
class FillReport:
    """How many events of each type are stored, how many were refused, and the first reasons."""

    stored: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, event: Event, result: StoredEvent) -> None:
        """Count what became of an event."""
        if result.status < _FIRST_ERROR:
            self.stored[event["type"]] += 1
            return
        self.refused += 1
        if len(self.problems) < _REMEMBERED_PROBLEMS:
            self.problems.append(f"{event['type']} {event['id']}: {result.error}")


async def fill_month(
    store: StoreEvents,
    *,
    now: datetime,
    days: int = 30,
    scale: float = 1.0,
    seed: str = DEFAULT_SEED,
    organizations: Iterable[DemoOrganization] = ORGANIZATIONS,
) -> FillReport:
    """Store the `days` before `now` of all organizations, these beside one another.

    Filling again stores only what is new since; `scale` multiplies the conversations.
    """
    report = FillReport()

    async def fill_organization(organization: DemoOrganization) -> None:
        events = generate_events(organization, now=now, days=days, scale=scale, seed=seed)
        for part in _split(events):
            for event, result in zip(part, await store(organization.id, part), strict=True):
                report.add(event, result)

    async with asyncio.TaskGroup() as tasks:
        for organization in organizations:
            tasks.create_task(fill_organization(organization))
    return report


def _split(events: Iterator[Event]) -> Iterator[list[Event]]:
    """Parts of up to 1,000 events, with whole conversations: the hub closes idle ones."""
    part: list[Event] = []
    for conversation in _group(events):
        if part and len(part) + len(conversation) > _EVENTS_A_CALL:
            yield part
            part = []
        part += conversation
    if part:
        yield part


def _group(events: Iterator[Event]) -> Iterator[list[Event]]:
    group: list[Event] = []
    for event in events:
        if event["type"] == "conversation" and group:
            yield group
            group = []
        group.append(event)
    if group:
        yield group
