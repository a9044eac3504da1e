"""Fills a hub with the sample month and keeps it alive: all of `aihub demo` but the server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from msgspec import structs

from aihub.conversations.api import Conversations, EventStore, SystemOwner
from aihub.demo.filling import FillReport, fill_month
from aihub.demo.organizations import ORGANIZATIONS
from aihub.demo.trickle import Trickle, run_trickle
from aihub.identity import api as identity
from aihub.kit.db import Database
from aihub.kit.errors import AppError
from aihub.markup import api as markup

EMAIL = "demo@aihub.example"
_KEY_NAME = "demo"
_DAYS = 61  # the month, and the one before it for comparison
_MARKUP = (
    markup.RuleDraft(rule_key="standard", percentage=Decimal(25), note="For everybody"),
    markup.RuleDraft(
        rule_key="business-plan", plan="business", percentage=Decimal(15), note="Volume"
    ),
    markup.RuleDraft(
        rule_key="kumo-orders",
        organization="kumo-shop",
        module="orders",
        fixed_per_request=Decimal("0.001"),
        note="Agreed by contract: at cost, and a tenth of a cent a call",
    ),
)


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """How to get in: keys by organization, the operator's key, and a token that signs in once."""

    keys: dict[str, str]
    operator_key: str
    sign_in_token: str


async def prepare_organizations(db: Database) -> dict[str, SystemOwner]:
    """Make the three organizations, or find them."""
    owners = {}
    async with db.write() as connection:
        for demo in ORGANIZATIONS:
            found = await identity.create_organization(
                connection,
                external_id=demo.id,
                name=demo.name,
                plan=demo.plan,
                timezone=demo.time_zone,
            )
            owners[demo.id] = SystemOwner(found.id, found.external_id, "demo", found.plan)
    return owners


async def set_markup(db: Database) -> None:
    """Prices of the demo's operator, as of before its first call. Those that are there stay."""
    begin = datetime.now(UTC) - timedelta(days=_DAYS + 1)
    async with db.write() as connection:
        known = await markup.list_rules(connection, includes_past=True, limit=200, cursor=None)
        keys = {rule.rule_key for rule in known.items}
        drafts = [
            structs.replace(draft, valid_from=begin, is_backdated=True)
            for draft in _MARKUP
            if draft.rule_key not in keys
        ]
        if drafts:
            await markup.put_rules(connection, drafts, created_by="demo")


async def grant_access(db: Database, owners: dict[str, SystemOwner]) -> DemoAccess:
    """New keys and a new link; those of earlier runs are revoked."""
    async with db.write() as connection:
        for organization_id in (None, *(owner.organization_id for owner in owners.values())):
            page = await identity.list_api_keys(connection, organization_id, limit=200)
            for key in page.items:
                if key.name == _KEY_NAME and key.revoked_at is None:
                    await identity.revoke_api_key(connection, key.id)
        keys = {
            name: await _create_key(connection, owner.organization_id, ["read", "write"])
            for name, owner in owners.items()
        }
        operator_key = await _create_key(connection, None, ["read", "write", "admin"])
        account = await identity.create_account(
            connection, email=EMAIL, name="Demo", is_operator=True
        )
        for owner in owners.values():
            await identity.add_member(connection, owner.organization_id, account.id, "owner")
        token = await identity.create_sign_in_link(connection, account.id, minutes=24 * 60)
    return DemoAccess(keys, operator_key, token)


async def _create_key(connection: Any, organization_id: Any, scopes: list[str]) -> str:
    made = await identity.create_api_key(
        connection,
        organization_id=organization_id,
        name=_KEY_NAME,
        scopes=scopes,
        created_by="aihub demo",
    )
    return str(made.key)


async def fill(
    conversations: Conversations,
    owners: dict[str, SystemOwner],
    *,
    scale: float,
    report: Callable[[int], None],
) -> FillReport:
    """Store the two months before now; `report` hears how many events more are stored."""
    store = EventStore(conversations, owners)

    async def told(organization: str, events: Any, /) -> Any:
        results = await store(organization, events)
        report(len(results))
        return results

    return await fill_month(told, now=datetime.now(UTC), days=_DAYS, scale=scale)


async def trickle(
    conversations: Conversations, owners: dict[str, SystemOwner], stop: asyncio.Event
) -> None:
    """New messages until `stop` is set."""
    await run_trickle(
        EventStore(conversations, owners),
        stop=stop,
        trickle=Trickle(Random()),  # noqa: S311 - talk needs no secret
        transient=(AppError, OSError),
    )
