"""Prices as they are stored, and the versions of the book."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aihub.pricing import api as pricing


@dataclass(frozen=True, slots=True)
class StoredPrice:
    """A row of a layer. `organization_id` is set for contracts alone; `valid_from` None: always.

    `removed_in` is the version that retired it; None while it is in force.
    """

    id: UUID
    layer: pricing.Layer
    organization_id: UUID | None
    provider: str
    model: str
    names: tuple[str, ...]
    valid_from: datetime | None
    terms: pricing.PriceRow
    added_in: int
    removed_in: int | None
    added_at: datetime | None = None
    added_by: str = ""

    @property
    def price_id(self) -> str:
        """How cost lines name it."""
        entry = pricing.Entry(self.layer, self.provider, self.model, self.names, self.terms)
        return entry.price_id(self.terms)


@dataclass(frozen=True, slots=True)
class BookVersion:
    """One version of the book; `label` is what calls are stored with."""

    id: int
    created_at: datetime
    created_by: str
    reason: str
    release: int | None
    origin: str | None
    settings: dict[str, object]
    digest: str

    @property
    def label(self) -> str:
        """`12+9f3a77c1`: its number, and the beginning of its digest."""
        return f"{self.id}+{self.digest[:8]}"


@dataclass(frozen=True, slots=True)
class Change:
    """What a new version adds and retires."""

    added: tuple[StoredPrice, ...]
    removed: tuple[StoredPrice, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


@dataclass(frozen=True, slots=True)
class PriceFilters:
    """Which prices to list. `search` is looked for in provider, model and other names."""

    provider: str | None = None
    model: str | None = None
    layer: pricing.Layer | None = None
    search: str | None = None
    organization_id: UUID | None = None
    sees_all_contracts: bool = False
    with_retired: bool = False
    current_at: datetime | None = None
