"""Fetching bills: page by page, each stored together with the place of the next one.

So a fetch that ends in the middle, for whatever reason, goes on from there, and one that is done
again replaces days instead of doubling them.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from uuid import UUID

import httpx

from aihub.kit.db import Database
from aihub.kit.errors import AppError, Invalid
from aihub.kit.ids import uuid7
from aihub.reconciliation import rules, service, store
from aihub.reconciliation.asking import Patience, Sleep, ask, open_client
from aihub.reconciliation.endpoints import (
    BASE_URLS,
    ENDPOINTS,
    Endpoint,
    Headers,
    headers_of,
    oldest_day,
)
from aihub.reconciliation.errors import FetchUnderWay, ProviderFailed
from aihub.reconciliation.models import Account, Fetched, Options, ParsedBill, Run
from aihub.reconciliation.sealing import Sealer
from aihub.reconciliation.sources import SOURCES, aggregate

_log = logging.getLogger(__name__)

MAX_SECONDS = 900.0
_MAX_PAGES = 2_000
_DUE_HOURS = 6

Tell = Callable[[str, Run], None]


@dataclass(frozen=True, slots=True)
class _Job:
    """What all requests of one fetch share."""

    account: Account
    headers: Headers
    client: httpx.AsyncClient
    patience: Patience
    tell: Tell | None


class Fetcher:
    """Fetches the bills of accounts that have a key."""

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        options: Options | None = None,
        *,
        backoff: float = 1.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._options = options or Options()
        self._backoff = backoff
        self._sleep = sleep

    async def fetch_due(self) -> int:
        """Fetch every account that was not fetched in the last hours; how many were.

        For a job that repeats: the error of one account is logged and told in its `last_error`.
        """
        since = datetime.now(UTC) - timedelta(hours=_DUE_HOURS)
        async with self._db.read() as connection:
            accounts = await service.list_accounts(connection)
        done = 0
        for account in accounts:
            is_due = account.last_fetched_at is None or account.last_fetched_at < since
            if account.kind != "api" or not is_due:
                continue
            try:
                await self.fetch(account.id)
                done += 1
            except AppError as error:
                _log.warning("bills of %s (%s): %s", account.name, account.provider, error)
        return done

    async def fetch(
        self,
        account_id: UUID,
        *,
        days: int | None = None,
        max_seconds: float = MAX_SECONDS,
        tell: Tell | None = None,
        now: datetime | None = None,
    ) -> Fetched:
        """Fetch what is closed and not yet there, and the last few days again; or `days` days.

        Ends after `max_seconds`, then not finished: the next call goes on. `tell` hears of each
        page. Raises AccountNotFound, Invalid, SecretKeyMissing, CredentialsUnreadable,
        ProviderRefused, ProviderAway, ProviderFailed, MalformedBill, FetchUnderWay.
        """
        if days is not None and not 1 <= days <= rules.MAX_FETCH_DAYS:
            raise Invalid.field("days", f"must be from 1 to {rules.MAX_FETCH_DAYS}")
        account, key = await self._open_account(account_id)
        patience = Patience(monotonic() + max_seconds, self._backoff, self._sleep)
        async with open_client() as client:
            headers = headers_of(account.provider, key)
            job = _Job(account, headers, client, patience, tell)
            try:
                found = await self._fetch_all(job, days, now or datetime.now(UTC))
            except AppError as error:
                await self._note_failure(account, error)
                raise
        return found

    async def _note_failure(self, account: Account, error: AppError) -> None:
        async with self._db.write() as connection:
            await store.update_account_failed(connection, account.id, str(error))
            # an answer that makes no sense may be the page's fault: begin anew the next time
            if type(error) is ProviderFailed:
                for endpoint in ENDPOINTS[account.provider]:
                    await store.delete_open_runs(connection, account.id, endpoint.source)

    async def _open_account(self, account_id: UUID) -> tuple[Account, str]:
        async with self._db.read() as connection:
            account = await service.get_account(connection, account_id)
            sealed = await store.get_credentials(connection, account_id)
        if account.kind != "api" or sealed is None:
            raise Invalid.field("id", f"bills of this account ({account.provider}) come as files")
        return account, self._sealer.open(sealed, account_id)

    async def _fetch_all(self, job: _Job, days: int | None, now: datetime) -> Fetched:
        runs: list[Run] = []
        stored = 0
        for endpoint in ENDPOINTS[job.account.provider]:
            run = await self._begin(job.account, endpoint, days, now)
            while run.finished_at is None:
                if job.patience.left <= 0:
                    return _fetched([*runs, run], stored, is_finished=False)
                run, count = await self._fetch_page(job, endpoint, run)
                stored += count
                if job.tell is not None:
                    job.tell(endpoint.source, run)
            runs.append(run)
        async with self._db.write() as connection:
            await store.update_account_fetched(connection, job.account.id)
        return _fetched(runs, stored, is_finished=True)

    async def _begin(
        self, account: Account, endpoint: Endpoint, days: int | None, now: datetime
    ) -> Run:
        """The run that was left in the middle, if it is of the same days, else a new one."""
        async with self._db.write() as connection:
            until = await store.get_fetched_until(connection, account.id, endpoint.source)
            start, end = rules.fetch_window(
                now=now, options=self._options, days=days, fetched_until=until
            )
            start = min(max(start, oldest_day(endpoint, now)), end - timedelta(days=1))
            run = await store.get_open_run(connection, account.id, endpoint.source)
            if run is not None and (run.window_start, run.window_end) == (start, end):
                return run
            await store.delete_open_runs(connection, account.id, endpoint.source)
            made = await store.insert_run(
                connection,
                run_id=uuid7(),
                account_id=account.id,
                source=endpoint.source,
                window_start=start,
                window_end=end,
            )
        if made is None:
            raise FetchUnderWay
        return made

    async def _fetch_page(self, job: _Job, endpoint: Endpoint, run: Run) -> tuple[Run, int]:
        account = job.account
        raw = await ask(
            job.client,
            (account.base_url or BASE_URLS[account.provider]) + endpoint.path,
            provider=account.provider,
            parameters=endpoint.parameters(run),
            headers=job.headers,
            patience=job.patience,
        )
        name = f"{account.provider} {endpoint.path}, page {run.pages + 1}"
        try:
            bill = await asyncio.to_thread(SOURCES[endpoint.source].parse, raw, name)
        except Invalid as error:
            raise ProviderFailed(error.detail, provider=account.provider) from error
        if bill.next_page is not None and (bill.next_page == run.page or run.pages >= _MAX_PAGES):
            raise ProviderFailed(f"{name}: its pages have no end.", provider=account.provider)
        return await self._store_page(run, bill)

    async def _store_page(self, run: Run, bill: ParsedBill) -> tuple[Run, int]:
        """Rows and progress in one transaction: neither is ever there without the other."""
        rows = aggregate(r for r in bill.rows if run.window_start <= r.day < run.window_end)
        is_last = bill.next_page is None
        last_day = run.window_end - timedelta(days=1)
        async with self._db.write() as connection:
            await store.lock_source(connection, run.source)
            moved = await store.update_run(
                connection, run, page=bill.next_page, is_finished=is_last
            )
            if moved is None:
                raise FetchUnderWay
            await store.delete_bills(
                connection,
                account_id=run.account_id,
                source=run.source,
                run_id=run.id,
                first_day=run.window_start,
                last_day=last_day,
                # at the end all the rest: days that had lines once and have none any more
                days=None if is_last else {row.day for row in rows} | bill.days,
            )
            await store.insert_bills(
                connection, rows, account_id=run.account_id, source=run.source, run_id=run.id
            )
        return moved, len(rows)


def _fetched(runs: list[Run], rows: int, *, is_finished: bool) -> Fetched:
    first: date = min(run.window_start for run in runs)
    last: date = max(run.window_end for run in runs) - timedelta(days=1)
    return Fetched(is_finished, sum(run.pages for run in runs), rows, first, last)
