"""The endpoints: each translates, calls one function of `service`, and translates back."""

import asyncio
import contextlib

from aihub.identity.api import OPERATE, READ, Principal
from aihub.kit.db import Database
from aihub.kit.errors import DatabaseAway
from aihub.kit.http import Answer, Call, Operation
from aihub.markup import rules, schemas, service
from aihub.markup.errors import RuleNotFound

_TAG = "Markup rules"
_MAX_BODY_BYTES = 2 * 1024 * 1024
_PATH = "/v1/markup-rules"


class MarkupRoutes:
    """The handlers. What is changed here counts in this process at once."""

    def __init__(self, db: Database, markup: service.MarkupRules) -> None:
        self._db = db
        self._markup = markup
        self._recomputing = asyncio.Lock()

    def operations(self) -> list[Operation]:
        """What the root makes endpoints of."""
        return [
            Operation(
                method="GET",
                path=_PATH,
                handler=self.list_rules,
                scope=READ,
                tag=_TAG,
                query=schemas.MarkupRuleQuery,
                answers={200: schemas.MarkupRuleList},
                errors=(401, 403, 404, 422),
            ),
            Operation(
                method="PUT",
                path=_PATH,
                handler=self.put_rules,
                scope=OPERATE,
                tag=_TAG,
                body=schemas.MarkupRulesIn,
                answers={200: schemas.MarkupWrittenOut},
                errors=(401, 403, 409, 413, 422),
                max_body_bytes=_MAX_BODY_BYTES,
            ),
            Operation(
                method="POST",
                path=f"{_PATH}/what-if",
                handler=self.what_if,
                scope=OPERATE,
                tag=_TAG,
                body=schemas.WhatIfIn,
                answers={200: schemas.WhatIfOut},
                errors=(401, 403, 404, 413, 422),
                max_body_bytes=_MAX_BODY_BYTES,
            ),
            Operation(
                method="GET",
                path=f"{_PATH}/{{rule_key}}/versions",
                handler=self.list_versions,
                scope=READ,
                tag=_TAG,
                answers={200: schemas.MarkupRuleList},
                errors=(401, 403, 404),
            ),
            Operation(
                method="DELETE",
                path=f"{_PATH}/{{rule_key}}",
                handler=self.retire_rule,
                scope=OPERATE,
                tag=_TAG,
                answers={200: schemas.MarkupRuleOut},
                errors=(401, 403, 404),
            ),
        ]

    async def list_rules(self, call: Call) -> Answer:
        """The rules in force, newest first: by which calls of your organization may be priced.

        An operator who names no organization sees the rules of all, those to come as well, and
        with `include_past` every version there ever was.
        """
        caller: Principal = call.caller
        query: schemas.MarkupRuleQuery = call.query
        async with self._db.read() as connection:
            if caller.is_operator and caller.organization is None:
                page = await service.list_rules(
                    connection, includes_past=query.include_past, limit=query.limit,
                    cursor=query.cursor,
                )  # fmt: skip
            else:
                organization_id, plan = caller.organization_id, _plan(caller)
                page = await service.list_rules_of(
                    connection, organization_id, plan, limit=query.limit, cursor=query.cursor
                )
        return Answer(schemas.to_rules(page, is_operator=caller.is_operator))

    async def put_rules(self, call: Call) -> Answer:
        """Write new versions of rules, all or none; for operators.

        A version is never edited: the new one takes over at its `valid_from`, now when omitted. A
        start in the past has to say `is_backdated`. Prices that are stored never change by this,
        only repricing applies rules to them; `warnings` say so. The same body again changes
        nothing. Other processes follow within 2 seconds.
        """
        body: schemas.MarkupRulesIn = call.body
        async with self._db.write() as connection:
            written = await service.put_rules(connection, body.rules, created_by=call.caller.actor)
        await self._follow()
        return Answer(schemas.to_written(written))

    async def _follow(self) -> None:
        # what is committed is answered; the refresh of every two seconds will find it
        with contextlib.suppress(DatabaseAway):
            await self._markup.refresh(self._db)

    async def list_versions(self, call: Call) -> Answer:
        """Every version of one rule, newest first: who wrote it, when, and when it was valid."""
        caller: Principal = call.caller
        is_operator = caller.is_operator
        async with self._db.read() as connection:
            found = await service.list_versions(connection, call.path["rule_key"])
        # a customer may know of what may price its own calls; for an operator everything may be
        if not is_operator and not rules.is_for(found[0], caller.organization_id, _plan(caller)):
            raise RuleNotFound
        items = [schemas.to_rule(rule, is_operator=is_operator) for rule in found]
        return Answer(schemas.MarkupRuleList(items=items, next_cursor=None))

    async def retire_rule(self, call: Call) -> Answer:
        """End a rule now, by a closing version; for operators. Doing it again changes nothing."""
        async with self._db.write() as connection:
            closing = await service.retire_rule(
                connection, call.path["rule_key"], created_by=call.caller.actor
            )
        await self._follow()
        return Answer(schemas.to_rule(closing, is_operator=True))

    async def what_if(self, call: Call) -> Answer:
        """Recompute a month under proposed rules, for operators: of one organization, or of all.

        `rules` count for the whole month, in place of those with the same `rule_key`; rules
        `without` are left out. Nothing is stored. A million calls take up to a minute.
        """
        body: schemas.WhatIfIn = call.body
        caller: Principal = call.caller
        organization = caller.organization
        # one after the other: the processor is needed for requests, too
        async with self._recomputing, self._db.read() as connection:
            found = await service.what_if(
                connection,
                month=body.month,
                drafts=body.rules,
                without=body.without,
                organization=str(organization.id) if organization is not None else None,
            )
        return Answer(schemas.to_what_if(found))


def _plan(caller: Principal) -> str:
    return caller.organization.plan if caller.organization is not None else ""
