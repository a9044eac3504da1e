"""Reports, accounts and uploaded bills: functions that take a connection. None of them commits."""

from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from aihub.kit.db import Connection
from aihub.kit.errors import Invalid
from aihub.kit.ids import uuid7
from aihub.reconciliation import rules, store
from aihub.reconciliation.comparing import compare
from aihub.reconciliation.errors import AccountNotFound
from aihub.reconciliation.models import (
    FETCHED,
    PROVIDERS,
    Account,
    Filters,
    Options,
    ParsedBill,
    Report,
    Stored,
)
from aihub.reconciliation.sealing import Sealer
from aihub.reconciliation.sources import SOURCES, SOURCES_OF_COSTS

_MAX_NAME, _MAX_KEY, _MAX_URL = 255, 1_000, 500
_BATCH = 5_000


async def report(
    connection: Connection,
    filters: Filters,
    *,
    options: Options | None = None,
    now: datetime | None = None,
) -> Report:
    """What the hub computed beside what was billed, of all organizations together.

    At most `rules.MAX_DAYS` days of UTC. Amounts in the currency of the bill, the hub's in USD.
    Raises Invalid for days in the wrong order or too many.
    """
    rules.check_days(filters.first_day, filters.last_day)
    days = (filters.first_day, filters.last_day)
    bill = await store.list_bills(connection, *days, filters.provider)
    with_fees = any(row.kind == "fee" for row in bill)
    return compare(
        await store.sum_calls(connection, *days, filters.provider, with_fees=with_fees),
        bill,
        covered=await store.list_covered(connection, *days, SOURCES_OF_COSTS),
        now=now or datetime.now(UTC),
        options=options or Options(),
        filters=filters,
    )


# ---------- accounts ----------


async def add_account(
    connection: Connection,
    sealer: Sealer,
    *,
    provider: str,
    name: str,
    key: str | None = None,
    base_url: str | None = None,
    created_by: str,
) -> Account:
    """A new account. With `key`, an administrator's, its bills are fetched; without, uploaded.

    The key is stored encrypted and never given back. Raises Invalid, SecretKeyMissing.
    """
    if provider not in PROVIDERS:
        raise Invalid.field("provider", f"must be one of {', '.join(PROVIDERS)}")
    if not 1 <= len(name.strip()) <= _MAX_NAME or "\x00" in name:
        raise Invalid.field("name", f"must have 1 to {_MAX_NAME} characters")
    if key is None and base_url is not None:
        raise Invalid.field("base_url", "is of use with a key only")
    if key is not None:
        _check_key(provider, key)
    account_id = uuid7()
    return await store.insert_account(
        connection,
        account_id=account_id,
        provider=provider,
        kind="export" if key is None else "api",
        name=name.strip(),
        base_url=None if base_url is None else check_base_url(base_url),
        credentials=None if key is None else sealer.seal(key, account_id),
        created_by=created_by,
    )


def _check_key(provider: str, key: str) -> None:
    if provider not in FETCHED:
        raise Invalid.field(
            "key", f"is for {', '.join(FETCHED)}: bills of {provider} come as files"
        )
    if not 1 <= len(key) <= _MAX_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise Invalid.field("key", "must be a provider's key, without spaces")


def check_base_url(url: str) -> str:
    """An address that a key may be sent to: https, or this machine. Raises Invalid."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise Invalid.field("base_url", "is no address") from error
    is_plain = not (parts.username or parts.password or parts.query or parts.fragment)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))
    if not host or not is_plain or not is_safe or len(url) > _MAX_URL:
        raise Invalid.field("base_url", "must be like https://api.example.com")
    return url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def list_accounts(connection: Connection) -> list[Account]:
    """Every account, newest first, without credentials."""
    return await store.list_accounts(connection)


async def get_account(connection: Connection, account_id: UUID) -> Account:
    """One account. Raises AccountNotFound."""
    found = await store.get_account(connection, account_id)
    if found is None:
        raise AccountNotFound
    return found


async def remove_account(
    connection: Connection, account_id: UUID, *, with_bills: bool = False
) -> Account:
    """Forget an account and its key; wants a transaction. Raises AccountNotFound.

    What it was billed stays in the reports unless `with_bills`.
    """
    if with_bills:
        await store.delete_bills_of_account(connection, account_id)
    found = await store.delete_account(connection, account_id)
    if found is None:
        raise AccountNotFound
    return found


# ---------- uploaded bills ----------


async def store_bill(
    connection: Connection, source: str, bill: ParsedBill, *, account_id: UUID | None = None
) -> Stored:
    """Store a bill that was read from files; wants a transaction.

    Every day that it speaks of is replaced, for this account and source. Without `account_id` it
    is that of the provider's only account, or of none where there is none. Raises Invalid,
    AccountNotFound.
    """
    await store.lock_source(connection, source)
    owner = await _owner(connection, SOURCES[source].provider, account_id)
    run_id = uuid7()
    if not bill.days:
        return Stored(0, None, None, bill.other_lines)
    first, last = min(bill.days), max(bill.days)
    await store.delete_bills(
        connection,
        account_id=owner,
        source=source,
        run_id=run_id,
        first_day=first,
        last_day=last,
        days=bill.days,
    )
    rows = bill.rows
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        await store.insert_bills(connection, part, account_id=owner, source=source, run_id=run_id)
    return Stored(len(rows), first, last, bill.other_lines)


async def _owner(connection: Connection, provider: str, account_id: UUID | None) -> UUID | None:
    accounts = await store.list_accounts(connection)
    own = [account for account in accounts if account.provider == provider]
    if account_id is not None:
        found = next((account for account in accounts if account.id == account_id), None)
        if found is None:
            raise AccountNotFound
        if found.provider != provider:
            raise Invalid.field("account_id", f"is an account at {found.provider}")
        return found.id
    if len(own) > 1:
        raise Invalid.field("account_id", f"is required: {provider} has {len(own)} accounts")
    return own[0].id if own else None
