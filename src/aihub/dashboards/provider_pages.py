"""Accounts at providers and the bills that come from them, for operators."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import Response

from aihub.dashboards import reconciliation_views as views
from aihub.dashboards.jobs import Job, Jobs
from aihub.dashboards.operators import read_uuid, require_operator
from aihub.dashboards.reconciliation_pages import PATH, send_cells
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.sign_in import see_other
from aihub.dashboards.uploads import read_upload
from aihub.dashboards.visits import Visit, read_form
from aihub.kit.db import Database
from aihub.kit.errors import AppError, Invalid
from aihub.kit.ids import uuid7
from aihub.reconciliation.api import (
    FETCHED,
    PROVIDERS,
    AccountNotFound,
    Fetched,
    Fetcher,
    MalformedBill,
    Sealer,
    SecretKeyMissing,
    Stored,
    add_account,
    get_account,
    list_accounts,
    parse_files,
    remove_account,
    store_bill,
)

ACCOUNTS = f"{PATH}/accounts"
_MAX_BILL_BYTES = 64 * 1024 * 1024
_FORM_BYTES = 64 * 1024
_AT_ONCE, _KEPT = 4, 50
_LABELS = {
    "provider": "Provider", "name": "Name", "key": "Key", "base_url": "Address", "kind": "Kind",
    "account_id": "Account", "file": "Files",
}  # fmt: skip


@dataclass(slots=True)
class ShortForm:
    """A form as it is shown: what is typed, and what is wrong with it, by field."""

    values: dict[str, str]
    errors: dict[str, str]
    problem: str | None = None

    def label(self, name: str) -> str:
        """What the field is called."""
        return _LABELS.get(name, name)


class ProviderPages:
    """The pages. `secret_key`: what keys of providers are encrypted with, None: none are kept."""

    def __init__(self, db: Database, renderer: Renderer, secret_key: bytes | None) -> None:
        self._db = db
        self._renderer = renderer
        self._sealer = Sealer(secret_key)
        self._fetcher = Fetcher(db, self._sealer)
        self._lock = asyncio.Lock()
        self._stored: dict[UUID, Stored] = {}
        self.jobs = Jobs(at_once=_AT_ONCE, kept=_KEPT)

    async def show(self, visit: Visit) -> Response:
        """The accounts, with what was fetched of them; forms for another and for files."""
        require_operator(visit)
        return await self._show(visit)

    async def send_csv(self, visit: Visit) -> Response:
        """The accounts as a file."""
        require_operator(visit)
        async with self._db.read() as connection:
            accounts = await list_accounts(connection)
        head = ("name", "provider", "bills", "base_url", "added_at", "added_by",
                "last_fetched_at", "last_error")  # fmt: skip
        cells = [
            (a.name, a.provider, a.kind, a.base_url, a.created_at.isoformat(), a.created_by,
             a.last_fetched_at.isoformat() if a.last_fetched_at else None, a.last_error)
            for a in accounts
        ]  # fmt: skip
        return send_cells("provider-accounts", visit, [head, *cells])

    async def add(self, visit: Visit) -> Response:
        """A new account; its key is stored encrypted and never shown again."""
        require_operator(visit)
        given = await read_form(visit.request)
        values = {name: given.get(name, "").strip() for name in ("provider", "name", "base_url")}
        try:
            async with self._db.write() as connection:
                made = await add_account(
                    connection,
                    self._sealer,
                    provider=values["provider"],
                    name=values["name"],
                    key=given.get("key", "").strip() or None,
                    base_url=values["base_url"] or None,
                    created_by=visit.principal.actor,
                )
        except (Invalid, SecretKeyMissing) as error:
            form = _tell(ShortForm(values, {}), error)
            if given.get("key") and "key" not in form.errors:
                form.errors["key"] = "Type the key again: it is not sent back."
            return await self._show(visit, adding=form, status=error.status)
        return see_other(f"{ACCOUNTS}?added={made.id}")

    async def remove(self, visit: Visit) -> Response:
        """Forget an account and its key. Raises AccountNotFound."""
        require_operator(visit)
        given = await read_form(visit.request)
        async with self._db.write() as connection:
            await remove_account(
                connection, _account_id(visit), with_bills=bool(given.get("with_bills"))
            )
        return see_other(ACCOUNTS)

    async def fetch(self, visit: Visit) -> Response:
        """Begin to fetch; the page tells how far it is. Raises AccountNotFound, Busy."""
        require_operator(visit)
        account_id = _account_id(visit)
        async with self._db.read() as connection:
            account = await get_account(connection, account_id)

        async def work(job: Job) -> Fetched:
            pages: dict[str, int] = {}

            def tell(source: str, run: Any) -> None:
                pages[source] = run.pages
                job.done = sum(pages.values())
                job.words = source

            return await self._fetcher.fetch(account.id, tell=tell)

        self.jobs.start(str(account.id), work, started_by=visit.principal.actor, about=account)
        return see_other(ACCOUNTS)

    async def upload(self, visit: Visit) -> Response:
        """Store the files of an export; every day in them is replaced."""
        require_operator(visit)
        # one at a time: each is held in memory
        async with self._lock:
            upload = await read_upload(visit.request, _MAX_BILL_BYTES + _FORM_BYTES)
            form = ShortForm({n: upload.fields.get(n, "") for n in ("kind", "account_id")}, {})
            try:
                stored = await self._store(form, upload.files)
            except (Invalid, AccountNotFound) as error:
                _tell(form, error)
                return await self._show(visit, sending=form, status=error.status)
        receipt = uuid7()
        self._stored[receipt] = stored
        for old in list(self._stored)[:-_KEPT]:
            del self._stored[old]
        return see_other(f"{ACCOUNTS}?stored={receipt}")

    async def _store(self, form: ShortForm, files: list[tuple[str, bytes]]) -> Stored:
        if form.values["kind"] not in views.KINDS:
            raise Invalid.field("kind", "say what kind of file it is")
        if not files:
            raise Invalid.field("file", "choose a file")
        account_id = read_uuid(form.values["account_id"])
        bill = await asyncio.to_thread(parse_files, form.values["kind"], files)
        async with self._db.write() as connection:
            return await store_bill(connection, form.values["kind"], bill, account_id=account_id)

    async def _show(
        self,
        visit: Visit,
        *,
        adding: ShortForm | None = None,
        sending: ShortForm | None = None,
        status: int = 200,
    ) -> Response:
        async with self._db.read() as connection:
            accounts = await list_accounts(connection)
        query = visit.request.query_params
        added = read_uuid(query.get("added", ""))
        receipt = read_uuid(query.get("stored", ""))
        return self._renderer.page(
            visit.request,
            "provider_accounts.html",
            {
                "accounts": [(account, self.jobs.latest(str(account.id))) for account in accounts],
                "running": [
                    job
                    for account in accounts
                    if (job := self.jobs.latest(str(account.id))) is not None and job.is_running
                ],
                "added": next((a for a in accounts if a.id == added), None),
                "adding": adding or ShortForm({"provider": PROVIDERS[0]}, {}),
                "sending": sending or ShortForm({}, {}),
                "stored": self._stored.get(receipt) if receipt is not None else None,
                "providers": [(name, views.NAMES[name]) for name in PROVIDERS],
                "fetched": [views.NAMES[name] for name in FETCHED],
                "kinds": list(views.KINDS.items()),
                "names": views.NAMES,
                "keeps_keys": self._keeps_keys(),
            },
            visit=visit,
            status=status,
        )

    def _keeps_keys(self) -> bool:
        try:
            self._sealer.require_key()
        except SecretKeyMissing:
            return False
        return True


def _account_id(visit: Visit) -> UUID:
    found = read_uuid(visit.request.path_params["id"])
    if found is None:
        raise AccountNotFound
    return found


def _tell(form: ShortForm, error: AppError) -> ShortForm:
    """Put an error beside its field, or above all of them."""
    if isinstance(error, MalformedBill):  # says itself in which file and where
        form.errors["file"] = error.detail
        return form
    for each in error.errors:
        if each.field in _LABELS:
            text = each.message
            form.errors[each.field] = (
                text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?" else ".")
            )
    if not form.errors:
        form.problem = error.detail
    return form
