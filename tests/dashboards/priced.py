"""A hub whose price book is in the database, and calls that went the way of all calls."""

from datetime import datetime
from typing import Any

from starlette.applications import Starlette

from aihub.conversations.api import Conversations, EventStore, Meter, SystemOwner, Writer
from aihub.dashboards.api import Pages
from aihub.identity import api as identities
from aihub.kit.db import Database
from aihub.kit.ids import uuid7_at
from aihub.markup.api import MarkupRules
from aihub.prices.api import PriceBook


class PricedHub:
    """The pages of a hub with a price book and markup rules."""

    def __init__(self, db: Database, identity: identities.Identity, now: datetime) -> None:
        self.db = db
        self.now = now
        self.book = PriceBook(db)
        self.rules = MarkupRules()
        self.meter = Meter(book=lambda: self.book.current, rules=self.rules.current)
        self.pages = Pages(db, identity, clock=lambda: now, price_book=self.book, meter=self.meter)
        self.app = Starlette(routes=self.pages.routes())

    async def start(self) -> None:
        """Take in the prices of the release, once for each database."""
        await self.book.start()
        await self.rules.refresh(self.db)

    async def make_organization(self, name: str) -> SystemOwner:
        """It, or the one that is there."""
        async with self.db.write() as connection:
            made = await identities.create_organization(connection, external_id=name, name=name)
        return SystemOwner(made.id, made.external_id, "test", made.plan)

    async def record(self, owner: SystemOwner, *bodies: dict[str, Any]) -> list[dict[str, Any]]:
        """Calls, priced and stored; as the API shows them."""
        writer = Writer(self.db)
        writer.start()
        try:
            store = EventStore(
                Conversations(writer, meter=self.meter), {owner.organization_name: owner}
            )
            events = [
                {"type": "call", "id": str(uuid7_at(self.now)), "body": _fill(body, self.now)}
                for body in bodies
            ]
            stored = await store(owner.organization_name, events)
        finally:
            await writer.stop()
        assert [each.error for each in stored] == [None] * len(bodies)
        return [dict(each.data or {}) for each in stored]


def _fill(body: dict[str, Any], now: datetime) -> dict[str, Any]:
    usual = {"provider": "openai", "api": "chat.completions", "occurred_at": now.isoformat()}
    return usual | body


USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 300,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 200},
}
