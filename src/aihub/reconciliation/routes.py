"""The endpoints, for operators alone: a provider's bill does not tell organizations apart."""

import asyncio
from datetime import UTC, datetime, timedelta

from aihub.identity.api import OPERATE
from aihub.kit.db import Database
from aihub.kit.http import Answer, Call, Operation
from aihub.reconciliation import rules, schemas, service
from aihub.reconciliation.fetching import Fetcher
from aihub.reconciliation.models import Filters, Options
from aihub.reconciliation.sealing import Sealer
from aihub.reconciliation.sources import parse_files

_TAG = "Reconciliation"
_PATH = "/v1/reconciliation"
MAX_BILL_BYTES = 64 * 1024 * 1024
_REQUEST_SECONDS = 25.0


class ReconciliationRoutes:
    """The handlers, with what they share. `secret_key`: 32 bytes, or None: no keys are stored."""

    def __init__(
        self, db: Database, secret_key: bytes | None, options: Options | None = None
    ) -> None:
        self._db = db
        self._options = options or Options()
        self._sealer = Sealer(secret_key)
        self._fetcher = Fetcher(db, self._sealer, self._options)

    def operations(self) -> list[Operation]:
        """What the root makes endpoints of."""
        return [
            Operation(
                method="GET",
                path=_PATH,
                handler=self.show_report,
                scope=OPERATE,
                tag=_TAG,
                query=schemas.ReportQuery,
                answers={200: schemas.ReportOut},
                errors=(422,),
            ),
            Operation(
                method="GET",
                path=f"{_PATH}/accounts",
                handler=self.list_accounts,
                scope=OPERATE,
                tag=_TAG,
                answers={200: schemas.AccountList},
            ),
            Operation(
                method="POST",
                path=f"{_PATH}/accounts",
                handler=self.add_account,
                scope=OPERATE,
                tag=_TAG,
                body=schemas.AccountIn,
                answers={201: schemas.AccountOut},
                errors=(409, 422),
            ),
            Operation(
                method="DELETE",
                path=f"{_PATH}/accounts/{{id}}",
                handler=self.remove_account,
                scope=OPERATE,
                tag=_TAG,
                query=schemas.RemoveQuery,
                answers={200: schemas.AccountOut},
                errors=(404, 422),
            ),
            Operation(
                method="POST",
                path=f"{_PATH}/accounts/{{id}}/fetch",
                handler=self.fetch,
                scope=OPERATE,
                tag=_TAG,
                body=schemas.FetchIn,
                is_body_optional=True,
                answers={200: schemas.FetchedOut},
                errors=(404, 409, 422, 502),
            ),
            Operation(
                method="POST",
                path=f"{_PATH}/bills",
                handler=self.upload_bill,
                scope=OPERATE,
                tag=_TAG,
                query=schemas.BillQuery,
                max_body_bytes=MAX_BILL_BYTES,
                answers={200: schemas.StoredOut},
                errors=(404, 413, 422),
            ),
        ]

    async def show_report(self, call: Call) -> Answer:
        """The hub's cost beside what providers billed, by UTC day, provider and model.

        The hub's sums are of all organizations. `verdict` says how a row came out and `why` in
        words; `is_alarm` that somebody should look: more than 1 % and more than 0.05 USD apart.
        """
        query: schemas.ReportQuery = call.query
        last = query.to or datetime.now(UTC).date()
        first = query.from_ or last - timedelta(days=rules.REPORT_DAYS - 1)
        filters = Filters(first, last, query.provider, query.model)
        async with self._db.read() as connection:
            found = await service.report(connection, filters, options=self._options)
        return Answer(schemas.to_report(found, limit=query.limit, cursor=query.cursor))

    async def list_accounts(self, _: Call) -> Answer:
        """The accounts at providers, newest first. Their keys are not shown."""
        async with self._db.read() as connection:
            found = await service.list_accounts(connection)
        return Answer(schemas.to_accounts(found))

    async def add_account(self, call: Call) -> Answer:
        """Add an account at a provider.

        A key is stored encrypted, and refused (409 `secret_key_missing`) while the hub has nothing
        to encrypt it with. It has to be an administrator's key that may read bills.
        """
        body: schemas.AccountIn = call.body
        async with self._db.write_within(call.connection) as connection:
            made = await service.add_account(
                connection,
                self._sealer,
                provider=body.provider,
                name=body.name,
                key=body.key,
                base_url=body.base_url,
                created_by=call.caller.actor,
            )
        return Answer(schemas.to_account(made), 201)

    async def remove_account(self, call: Call) -> Answer:
        """Remove an account and its key. Bills stay in the report, unless `with_bills`."""
        async with self._db.write() as connection:
            removed = await service.remove_account(
                connection, call.id(), with_bills=call.query.with_bills
            )
        return Answer(schemas.to_account(removed))

    async def fetch(self, call: Call) -> Answer:
        """Fetch an account's bills now, for 25 seconds at most.

        Every page is stored as it comes. When there was no time for all, `is_finished` is false:
        send it again, and it goes on from there.
        """
        days = call.body.days if call.body is not None else None
        found = await self._fetcher.fetch(call.id(), days=days, max_seconds=_REQUEST_SECONDS)
        return Answer(schemas.to_fetched(found))

    async def upload_bill(self, call: Call) -> Answer:
        """Store an export: the body is the file itself, plain or gzipped, of 64 MiB at most.

        Every day in it is replaced, so a file that is sent twice changes nothing. A day must be in
        it whole. Lines of services that are no models are counted and left out.
        """
        query: schemas.BillQuery = call.query
        bill = await asyncio.to_thread(parse_files, query.kind, [(query.name, call.raw_body)])
        async with self._db.write_within(call.connection) as connection:
            stored = await service.store_bill(
                connection, query.kind, bill, account_id=query.account_id
            )
        return Answer(schemas.to_stored(stored))
