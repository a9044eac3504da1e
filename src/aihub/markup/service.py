"""What is done about markup rules: functions that take a connection and do not commit.

The ones that write want a transaction around them; writers take turns.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from aihub.identity.api import UnknownOrganization, get_organization
from aihub.kit.db import Connection, Database
from aihub.kit.errors import DatabaseAway, Invalid
from aihub.kit.ids import uuid7
from aihub.kit.paging import DEFAULT_LIMIT
from aihub.markup import checks, recomputing, rules, store
from aihub.markup.errors import RuleNotFound, ScopeFixed
from aihub.markup.models import MarkupRule, Page, RuleDraft, Terms, Written
from aihub.markup.rules import RuleSet
from aihub.markup.what_if_models import WhatIf

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC)


class MarkupRules:
    """The rules as this process knows them, all in memory."""

    def __init__(self) -> None:
        self._ruleset: RuleSet | None = None
        self._refreshing = asyncio.Lock()

    def current(self) -> RuleSet:
        """The rules as of the last refresh. Raises DatabaseAway before the first one.

        It would be wrong to price at cost for want of rules.
        """
        if self._ruleset is None:
            raise DatabaseAway("The markup rules have not been read yet.")
        return self._ruleset

    async def refresh(self, db: Database) -> bool:
        """Read the rules anew when any has changed; whether one had. Raises DatabaseAway.

        One small query when nothing has changed. What was known stays when it fails.
        """
        async with self._refreshing:
            async with db.read() as connection:
                # the revision first: rules that are newer than it are read once more, never missed
                revision = await store.get_revision(connection)
                if self._ruleset is not None and self._ruleset.revision == revision:
                    return False
                found = await store.list_every_rule(connection)
            self._ruleset = RuleSet(found, revision)
            return True


# ---------- reading ----------


async def list_rules(
    connection: Connection,
    *,
    includes_past: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The rules of the whole hub, newest first: in force and to come, or all versions ever.

    For operators. Raises Invalid for a cursor.
    """
    return await store.list_rules(
        connection,
        at=datetime.now(UTC),
        includes_past=includes_past,
        limit=limit,
        cursor=cursor,
    )


async def list_rules_of(
    connection: Connection,
    organization_id: UUID,
    plan: str,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """The rules that may price an organization's calls now, newest first: its own, its plan's and
    everybody's. Raises Invalid for a cursor."""
    return await store.list_rules_of(
        connection, organization_id, plan, at=datetime.now(UTC), limit=limit, cursor=cursor
    )


async def list_versions(connection: Connection, rule_key: str) -> list[MarkupRule]:
    """Every version of a rule, newest first, a closing one too. Raises RuleNotFound."""
    found = await store.list_versions(connection, rule_key)
    if not found:
        raise RuleNotFound
    return found


# ---------- writing ----------


async def put_rules(
    connection: Connection, drafts: Sequence[RuleDraft], *, created_by: str
) -> Written:
    """Write a version of each rule, all or none; it takes over from the version before.

    What the older versions would have been valid for from its `valid_from` on is cut off, so that
    at most one version is ever valid. A draft that changes nothing gives the version there is.
    Stored prices never change by this. Raises Invalid (naming `rules[2].percentage`), ScopeFixed.
    """
    now = await store.take_turn(connection)
    checks.check_drafts(drafts, now)
    owners = await _resolve_organizations(connection, drafts)
    written: list[MarkupRule] = []
    warnings: list[str] = []
    for index, draft in enumerate(drafts):
        owner = owners.get(draft.organization) if draft.organization is not None else None
        written.append(await _put_rule(connection, draft, owner, now, created_by))
        warnings += checks.list_warnings(draft, f"rules[{index}]")
    return Written(tuple(written), tuple(warnings))


async def retire_rule(connection: Connection, rule_key: str, *, created_by: str) -> MarkupRule:
    """End a rule now, by a closing version; what was still to come of it never begins.

    Again changes nothing. Raises RuleNotFound.
    """
    now = await store.take_turn(connection)
    versions = await store.list_versions(connection, rule_key)
    if not versions:
        raise RuleNotFound
    last = versions[0]
    if last.is_closing:
        return last
    await store.cut_versions(connection, rule_key, now)
    closing = MarkupRule(
        id=uuid7(), rule_key=rule_key, version=last.version + 1, sequence=0,
        organization_id=last.organization_id, organization=last.organization, plan=last.plan,
        module=last.module, provider=last.provider, model=last.model,
        valid_from=now, is_closing=True, created_at=now, created_by=created_by,
    )  # fmt: skip
    return await store.insert_rule(connection, closing)


async def _put_rule(
    connection: Connection,
    draft: RuleDraft,
    organization_id: UUID | None,
    now: datetime,
    created_by: str,
) -> MarkupRule:
    versions = await store.list_versions(connection, draft.rule_key)
    last = versions[0] if versions else None
    if last is not None:
        if (last.organization_id, last.plan) != (organization_id, draft.plan):
            raise ScopeFixed(draft.rule_key)
        if rules.is_valid_at(last, now) and checks.is_same(draft, last):
            return last
    rule = _to_rule(draft, organization_id, now)
    rule = msgspec.structs.replace(
        rule, version=last.version + 1 if last else 1, created_by=created_by
    )
    await store.cut_versions(connection, rule.rule_key, rule.valid_from)
    return await store.insert_rule(connection, rule)


def _to_rule(draft: RuleDraft, organization_id: UUID | None, now: datetime) -> MarkupRule:
    return MarkupRule(
        id=uuid7(), rule_key=draft.rule_key, version=1, sequence=0,
        organization_id=organization_id, organization=draft.organization, plan=draft.plan,
        module=draft.module, provider=draft.provider, model=draft.model, priority=draft.priority,
        valid_from=draft.valid_from or now, valid_to=draft.valid_to,
        is_backdated=draft.is_backdated, created_at=now, note=draft.note,
        **{name: getattr(draft, name) for name in Terms.__struct_fields__},
    )  # fmt: skip


async def _resolve_organizations(
    connection: Connection, drafts: Sequence[RuleDraft]
) -> Mapping[str, UUID]:
    found: dict[str, UUID] = {}
    for index, draft in enumerate(drafts):
        name = draft.organization
        if name is None or name in found:
            continue
        organization = await get_organization(connection, name)
        if organization is None:
            raise Invalid.field(f"rules[{index}].organization", "there is no such organization")
        found[name] = organization.id
    return found


# ---------- what if ----------


async def what_if(
    connection: Connection,
    *,
    month: str,
    drafts: Sequence[RuleDraft] = (),
    without: Collection[str] = (),
    organization: str | None = None,
    progress: recomputing.Progress | None = None,
) -> WhatIf:
    """What the calls of a month (`2026-10`, UTC) would have cost the customers; changes nothing.

    `drafts` are taken as valid all month, in place of the rules with the same rule_key; rules
    `without` are left out; every other rule applies as it did. Plans are those of today. `progress`
    is told (calls done, calls in all). A million calls take well under a minute.
    Raises Invalid, UnknownOrganization.
    """
    now = datetime.now(UTC)
    undated = [
        msgspec.structs.replace(draft, valid_from=None, valid_to=None, is_backdated=False)
        for draft in drafts
    ]
    checks.check_drafts(undated, now)
    recomputing.read_month(month)
    owners = await _resolve_organizations(connection, undated)
    organization_id = None
    if organization is not None:
        found = await get_organization(connection, organization)
        if found is None:
            raise UnknownOrganization
        organization_id = found.id
    existing = await store.list_every_rule(connection)
    replaced = {*without, *(draft.rule_key for draft in undated)}
    kept = [rule for rule in existing if rule.rule_key not in replaced]
    newest = max((rule.sequence for rule in existing), default=0)
    proposed = [
        msgspec.structs.replace(
            _to_rule(draft, owners.get(draft.organization or ""), now),
            valid_from=_ALWAYS,
            sequence=newest + number,
        )
        for number, draft in enumerate(undated, 1)
    ]
    return await recomputing.recompute(
        connection, RuleSet([*kept, *proposed]), month, organization_id, progress
    )
