"""Which lines of a bill belong to which model of the hub: pure, for one day of one provider.

Names are compared in passes, each for what the ones before it left: as they are; without case and
signs; without a vendor's prefix and a version (`amazon.nova-pro-v1:0` is `NovaPro`); without the
kind of deployment (`gpt-4.1 data zone` is `gpt-4.1`); without the day of a snapshot. So two names
that the bill tells apart are never put together while the hub tells them apart as well.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from aihub.reconciliation.models import ZERO, BilledRow, HubRow
from aihub.reconciliation.sources.aws import MARKETPLACE
from aihub.reconciliation.sources.azure import DEPLOYMENTS

# the fees that bills have lines of their own for, by the hub's names of components
_FEES = (
    (re.compile(r"web ?search", re.IGNORECASE), ("web_search", "search_source")),
    (re.compile(r"file ?search", re.IGNORECASE), ("file_search",)),
    (re.compile(r"code ?(?:interpreter|execution)", re.IGNORECASE), ("code_session",)),
    (re.compile(r"maps", re.IGNORECASE), ("maps_prompt",)),
    (re.compile(r"grounding", re.IGNORECASE), ("grounding_prompt", "grounding_query")),
)
FEE_COMPONENTS = tuple(name for _, names in _FEES for name in names)

_VENDOR = re.compile(r"^(?:[a-z]{2,6}\.)?(?:[a-z0-9-]+[./])(?=[a-z])")
_VERSION = re.compile(r"-v\d+(?::\d+)?$")
_SNAPSHOT = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|20\d{6})$")
_DEPLOYMENT = re.compile(rf" (?:{'|'.join(DEPLOYMENTS)})$")


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared with what; either side may be empty. `model` None: all of the provider."""

    model: str | None
    hub: tuple[HubRow, ...]
    bill: tuple[BilledRow, ...]


def pair_up(hub: Sequence[HubRow], bill: Sequence[BilledRow]) -> list[Pair]:
    """The pairs of one day and provider. Credits, discounts and taxes without a model are left out:
    they are no cost of a model, and are told in the totals."""
    lines = [row for row in bill if row.model or row.kind in ("usage", "cost", "fee")]
    hub = _take_fees_out(hub, lines)
    if not _is_money_by_model(lines):
        return _all_in_one(hub, lines)
    groups = _by_label(lines)
    nameless = groups.pop(None, [])
    pairs, hub_left, groups_left = _match_names(hub, groups)
    if nameless and hub_left:
        name = hub_left[0].model if len(hub_left) == 1 else None
        label = name or _nameless_label(nameless)
        pairs.append(Pair(label, tuple(hub_left), tuple(nameless)))
        hub_left = []
    elif nameless:
        pairs.append(Pair(_nameless_label(nameless), (), tuple(nameless)))
    pairs += [Pair(row.model, (row,), ()) for row in hub_left]
    pairs += [Pair(label, (), tuple(rows)) for label, rows in groups_left.items()]
    return pairs


def _take_fees_out(hub: Sequence[HubRow], lines: Iterable[BilledRow]) -> list[HubRow]:
    """The hub's rows, where a fee that the bill has a line for is a row of its own."""
    rows = list(hub)
    labels = {label for row in lines if row.kind == "fee" and (label := label_of(row))}
    for label in sorted(labels):
        names = next((names for pattern, names in _FEES if pattern.search(label)), ())
        taken = ZERO
        for index, row in enumerate(rows):
            part = sum((amount for name, amount in row.fees if name in names), ZERO)
            rest = tuple(fee for fee in row.fees if fee[0] not in names)
            rows[index] = replace(row, cost=row.cost - part, fees=rest)
            taken += part
        if taken:
            versions = {version for row in hub for version in row.price_book_versions}
            rows.append(
                replace(
                    rows[0],
                    model=label,
                    cost=taken,
                    tokens=None,
                    calls=None,
                    unpriced_calls=0,
                    price_book_versions=tuple(sorted(versions)),
                    fees=(),
                )
            )
    return rows


def label_of(row: BilledRow) -> str | None:
    """What a line is told as: its model, or its own text in brackets where it is no token's."""
    if row.model is not None:
        return row.model
    return f"({row.line})" if row.kind == "fee" else None


def _is_money_by_model(lines: Iterable[BilledRow]) -> bool:
    """Whether money can be told by model: some of it is, or else none is without a model."""
    costs = [row for row in lines if row.kind == "cost"]
    return not costs or any(row.model or row.line == MARKETPLACE for row in costs)


def _all_in_one(hub: Sequence[HubRow], lines: Sequence[BilledRow]) -> list[Pair]:
    fees = [row for row in lines if row.kind == "fee"]
    rest = tuple(row for row in lines if row.kind != "fee")
    pairs, hub_left, fees_left = _match_names(hub, _by_label(fees))
    pairs.append(Pair(None, tuple(hub_left), rest))
    return pairs + [Pair(label, (), tuple(rows)) for label, rows in fees_left.items()]


def _by_label(lines: Iterable[BilledRow]) -> "dict[str | None, list[BilledRow]]":
    groups: dict[str | None, list[BilledRow]] = {}
    for row in lines:
        groups.setdefault(label_of(row), []).append(row)
    return groups


def _nameless_label(rows: Sequence[BilledRow]) -> str | None:
    return f"({MARKETPLACE})" if all(row.line == MARKETPLACE for row in rows) else None


def _match_names(
    hub: Sequence[HubRow], groups: "dict[str | None, list[BilledRow]]"
) -> "tuple[list[Pair], list[HubRow], dict[str | None, list[BilledRow]]]":
    pairs: list[Pair] = []
    hub_left, groups_left = list(hub), dict(groups)
    for simplify in _PASSES:
        ours: dict[str, list[HubRow]] = {}
        theirs: dict[str, list[str | None]] = {}
        for row in hub_left:
            ours.setdefault(simplify(row.model), []).append(row)
        for label in groups_left:
            theirs.setdefault(simplify(label or ""), []).append(label)
        for key in [key for key in ours if key in theirs]:
            lines = [line for label in theirs[key] for line in groups_left.pop(label)]
            pairs.append(Pair(ours[key][0].model, tuple(ours[key]), tuple(lines)))
            hub_left = [row for row in hub_left if row not in ours[key]]
    return pairs, hub_left, groups_left


def _as_it_is(name: str) -> str:
    return name


def _squashed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _without_vendor(name: str) -> str:
    return _squashed(_VERSION.sub("", _VENDOR.sub("", name.lower())))


def _without_deployment(name: str) -> str:
    return _without_vendor(_DEPLOYMENT.sub("", name.lower()))


def _without_snapshot(name: str) -> str:
    plain = _VERSION.sub("", _DEPLOYMENT.sub("", name.lower()))
    return _without_vendor(_SNAPSHOT.sub("", plain))


_PASSES: tuple[Callable[[str], str], ...] = (
    _as_it_is,
    _squashed,
    _without_vendor,
    _without_deployment,
    _without_snapshot,
)
