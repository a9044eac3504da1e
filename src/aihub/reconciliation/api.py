"""What other slices and the roots may import."""

from aihub.reconciliation.errors import (
    AccountNotFound,
    CredentialsUnreadable,
    FetchUnderWay,
    MalformedBill,
    ProviderAway,
    ProviderFailed,
    ProviderRefused,
    SecretKeyMissing,
)
from aihub.reconciliation.fetching import Fetcher
from aihub.reconciliation.models import (
    FETCHED,
    PROVIDERS,
    Account,
    Fetched,
    Filters,
    Options,
    ParsedBill,
    ProviderTotal,
    Report,
    ReportRow,
    Stored,
    Tokens,
    Verdict,
)
from aihub.reconciliation.routes import ReconciliationRoutes
from aihub.reconciliation.sealing import KEY_BYTES, Sealer
from aihub.reconciliation.service import (
    add_account,
    get_account,
    list_accounts,
    remove_account,
    report,
    store_bill,
)
from aihub.reconciliation.sources import parse_files

RECONCILIATION_TABLES = ("hub.provider_accounts", "hub.provider_bills", "hub.fetch_progress")
"""The tables that this slice alone writes."""

__all__ = [
    "FETCHED",
    "KEY_BYTES",
    "PROVIDERS",
    "RECONCILIATION_TABLES",
    "Account",
    "AccountNotFound",
    "CredentialsUnreadable",
    "FetchUnderWay",
    "Fetched",
    "Fetcher",
    "Filters",
    "MalformedBill",
    "Options",
    "ParsedBill",
    "ProviderAway",
    "ProviderFailed",
    "ProviderRefused",
    "ProviderTotal",
    "ReconciliationRoutes",
    "Report",
    "ReportRow",
    "Sealer",
    "SecretKeyMissing",
    "Stored",
    "Tokens",
    "Verdict",
    "add_account",
    "get_account",
    "list_accounts",
    "parse_files",
    "remove_account",
    "report",
    "store_bill",
]
