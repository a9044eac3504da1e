"""Markup rules: those in force and planned, the versions of one, and the form for the next.

Operators see all rules and write them; members see what may price their own calls.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from starlette.responses import Response

from aihub.dashboards import csv_files, listing, markup_forms
from aihub.dashboards.markup_forms import RuleForm
from aihub.dashboards.markup_words import (
    describe_rule,
    describe_scope,
    describe_terms,
    group_rules,
    state_of,
)
from aihub.dashboards.operators import require_operator
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.sign_in import see_other
from aihub.dashboards.visits import Visit, read_form
from aihub.dashboards.what_if_pages import WhatIfPages, list_months
from aihub.identity.api import PLANS, get_organization, list_organizations
from aihub.kit.db import Connection, Database
from aihub.kit.errors import Conflict, DatabaseAway, Invalid
from aihub.kit.paging import MAX_LIMIT
from aihub.markup.api import (
    MarkupRule,
    MarkupRules,
    RuleDraft,
    RuleNotFound,
    check_drafts,
    is_for,
    list_rules,
    list_rules_of,
    list_versions,
    put_rules,
    retire_rule,
)

MOST_RULES = 1_000
_SCOPES = ("everybody", "plan", "organization")
_MOST_FIELDS = 500
_UNPROCESSABLE = 422
_KEY = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_COLUMNS = (
    "rule", "version", "state", "organization", "plan", "module", "provider", "model", "priority",
    "charges", "valid_from", "valid_to", "written_at", "written_by", "note",
)  # fmt: skip


class MarkupPages:
    """The pages about rules. `markup_rules`: those of this process, so that they follow at once."""

    def __init__(
        self,
        db: Database,
        renderer: Renderer,
        what_if: WhatIfPages,
        markup_rules: MarkupRules | None = None,
    ) -> None:
        self._db = db
        self._renderer = renderer
        self._what_if = what_if
        self._markup_rules = markup_rules

    # ---------- reading ----------

    async def show_list(self, visit: Visit) -> Response:
        """All rules in force and to come, by scope."""
        query = visit.request.query_params
        values = {name: text for name in ("q", "scope") if (text := query.get(name, "").strip())}
        async with self._db.read() as connection:
            found, is_cut = await _list_rules(connection, visit)
        shown = [rule for rule in found if _is_asked_for(rule, values)]
        return self._renderer.page(
            visit.request,
            "markup.html",
            {
                "values": values,
                "scopes": _SCOPES,
                "groups": group_rules(shown, visit.now),
                "count": len(shown),
                "has_any": bool(found),
                "is_cut": is_cut,
                "most_rules": MOST_RULES,
                "csv_url": listing.address("/markup.csv", values),
            },
            visit=visit,
        )

    async def send_csv(self, visit: Visit) -> Response:
        """The same rules as a file."""
        query = visit.request.query_params
        values = {name: text for name in ("q", "scope") if (text := query.get(name, "").strip())}
        async with self._db.read() as connection:
            found, _ = await _list_rules(connection, visit)
        return _send("markup-rules", visit, [r for r in found if _is_asked_for(r, values)])

    async def show_rule(self, visit: Visit) -> Response:
        """Every version of a rule, newest first. Raises RuleNotFound, for another's rule too."""
        versions = await self._versions(visit)
        saved = visit.request.query_params.get("saved", "")
        lines = [describe_rule(rule, visit.now) for rule in versions]
        current = next((line for line in lines if line.state in ("in force", "planned")), None)
        return self._renderer.page(
            visit.request,
            "markup_rule.html",
            {
                "rule_key": versions[0].rule_key,
                "scope": describe_scope(versions[0]),
                "lines": lines,
                "current": current,
                "in_force": next((line for line in lines if line.state == "in force"), None),
                "is_ended": versions[0].is_closing,
                "saved": next((x for x in versions if str(x.version) == saved), None),
                "months": list_months(visit.now),
            },
            visit=visit,
        )

    async def send_versions(self, visit: Visit) -> Response:
        """The versions as a file."""
        versions = await self._versions(visit)
        return _send(f"markup-{versions[0].rule_key}", visit, versions)

    async def _versions(self, visit: Visit) -> list[MarkupRule]:
        key = visit.request.path_params["rule_key"]
        if _KEY.fullmatch(key) is None:
            raise RuleNotFound
        async with self._db.read() as connection:
            found = await list_versions(connection, key)
        organization = visit.organization
        if visit.principal.is_operator or is_for(found[0], organization.id, organization.plan):
            return found
        raise RuleNotFound

    # ---------- writing ----------

    async def show_form(self, visit: Visit) -> Response:
        """For a new rule, for the next version of one, or as it was sent to a what-if."""
        require_operator(visit)
        query = visit.request.query_params
        form = self._what_if.form_of(query.get("from", ""))
        if form is None and "rule_key" in query:
            async with self._db.read() as connection:
                versions = await list_versions(connection, query["rule_key"][:100])
            form = _form_of_latest(versions)
        if form is None:
            form = markup_forms.blank_form()
            if name := query.get("organization"):
                form.values |= {"scope": "organization", "organization": name}
        return await self._show(visit, form)

    async def take_form(self, visit: Visit) -> Response:
        """More rows, a what-if, or a new version: as the button says."""
        require_operator(visit)
        given = await read_form(visit.request, most_fields=_MOST_FIELDS)
        action = given.pop("action", "save")
        if action == "more-parts":
            return await self._show(visit, markup_forms.add_rows(given, of="parts"))
        if action == "more-steps":
            return await self._show(visit, markup_forms.add_rows(given, of="steps"))
        form = markup_forms.read_form(given, visit.zone)
        if form.draft is None:
            return await self._show(visit, form)
        try:
            if action == "what-if":
                return await self._ask(visit, form, form.draft)
            written = await self._write(visit, form, form.draft)
        except Invalid as error:
            markup_forms.tell_errors(form, error)
            return await self._show(visit, form)
        except Conflict as error:
            form.problem = error.detail
            return await self._show(visit, form, status=error.status)
        return see_other(f"/markup/{written.rule_key}?saved={written.version}")

    async def end_rule(self, visit: Visit) -> Response:
        """End a rule now. Raises RuleNotFound."""
        require_operator(visit)
        key = visit.request.path_params["rule_key"]
        if _KEY.fullmatch(key) is None:
            raise RuleNotFound
        async with self._db.write() as connection:
            closing = await retire_rule(connection, key, created_by=visit.principal.actor)
        await self._follow()
        return see_other(f"/markup/{closing.rule_key}?saved={closing.version}")

    async def _ask(self, visit: Visit, form: RuleForm, draft: RuleDraft) -> Response:
        undated = msgspec.structs.replace(draft, valid_from=None, valid_to=None, is_backdated=False)
        check_drafts([undated], datetime.now(UTC))
        if draft.organization is not None:
            async with self._db.read() as connection:
                if await get_organization(connection, draft.organization) is None:
                    raise Invalid.field("organization", "there is no such organization")
        return self._what_if.start(visit, form, draft)

    async def _write(self, visit: Visit, form: RuleForm, draft: RuleDraft) -> MarkupRule:
        async with self._db.write() as connection:
            if not form.values.get("known"):
                await _require_new(connection, draft.rule_key)
            written = await put_rules(connection, [draft], created_by=visit.principal.actor)
        await self._follow()
        return written.rules[0]

    async def _follow(self) -> None:
        # what is committed is answered; the refresh of every two seconds will find it
        if self._markup_rules is not None:
            with contextlib.suppress(DatabaseAway):
                await self._markup_rules.refresh(self._db)

    async def _show(self, visit: Visit, form: RuleForm, status: int | None = None) -> Response:
        async with self._db.read() as connection:
            organizations = (await list_organizations(connection, limit=MAX_LIMIT)).items
        is_bad = bool(form.errors or form.problem)
        return self._renderer.page(
            visit.request,
            "markup_form.html",
            {
                "form": form,
                "is_known": bool(form.values.get("known")),
                "plans": PLANS,
                "organizations": organizations,
                "months": list_months(visit.now),
                "running": self._what_if.running(),
            },
            visit=visit,
            status=status or (_UNPROCESSABLE if is_bad else 200),
        )


async def _list_rules(connection: Connection, visit: Visit) -> tuple[list[MarkupRule], bool]:
    """The rules this person may see, and whether there are more of them than are shown."""
    found: list[MarkupRule] = []
    cursor = None
    organization = visit.organization
    while len(found) < MOST_RULES:
        if visit.principal.is_operator:
            page = await list_rules(connection, limit=MAX_LIMIT, cursor=cursor)
        else:
            page = await list_rules_of(
                connection, organization.id, organization.plan, limit=MAX_LIMIT, cursor=cursor
            )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found, cursor is not None


async def _require_new(connection: Connection, rule_key: str) -> None:
    try:
        await list_versions(connection, rule_key)
    except RuleNotFound:
        return
    raise Invalid.field(
        "rule_key", "there is a rule of this name already; open it to make its next version"
    )


def _form_of_latest(versions: Sequence[MarkupRule]) -> RuleForm:
    latest = next((rule for rule in versions if not rule.is_closing), versions[0])
    form = markup_forms.form_of(latest)
    form.values["known"] = "yes"
    return form


def _is_asked_for(rule: MarkupRule, values: Mapping[str, str]) -> bool:
    scope = values.get("scope")
    if scope in _SCOPES and describe_scope(rule).partition(" ")[0] != scope:
        return False
    names = (rule.rule_key, rule.organization, rule.plan, rule.module, rule.provider, rule.model)
    sought = values.get("q", "").casefold()
    return any(sought in (name or "").casefold() for name in names)


def _send(name: str, visit: Visit, rules: Sequence[MarkupRule]) -> Response:
    is_operator = visit.principal.is_operator
    rows = [
        (
            rule.rule_key, rule.version, state_of(rule, visit.now), rule.organization,
            rule.plan, rule.module, rule.provider, rule.model, rule.priority,
            describe_terms(rule).line, rule.valid_from, rule.valid_to, rule.created_at,
            rule.created_by if is_operator else "", rule.note if is_operator else "",
        )
        for rule in rules
    ]  # fmt: skip
    return Response(
        csv_files.write_table([_COLUMNS, *rows]),
        media_type="text/csv; charset=utf-8",
        headers=listing.csv_headers(name, visit.local(visit.now)),
    )
