"""What other slices may call: the book in force, and the prices behind it."""

from aihub.prices.errors import PriceNotFound
from aihub.prices.holder import PriceBook
from aihub.prices.models import BookVersion, Change, PriceFilters, StoredPrice
from aihub.prices.routes import PriceRoutes, read_price
from aihub.prices.schemas import PriceIn
from aihub.prices.service import load_version, put_prices, retire_price, take_in_release
from aihub.prices.store import (
    ListedPrice,
    get_latest_version,
    list_models,
    list_prices,
    list_providers,
    list_versions,
)

__all__ = [
    "BookVersion",
    "Change",
    "ListedPrice",
    "PriceBook",
    "PriceFilters",
    "PriceIn",
    "PriceNotFound",
    "PriceRoutes",
    "StoredPrice",
    "get_latest_version",
    "list_models",
    "list_prices",
    "list_providers",
    "list_versions",
    "load_version",
    "put_prices",
    "read_price",
    "retire_price",
    "take_in_release",
]
