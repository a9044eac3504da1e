"""The imported base: the `genai-prices` package (MIT licence) in the words of our own book.

Its models are told by patterns, ours by names: a pattern on the beginning of a name becomes that
beginning, to which the book itself allows nothing but the mark of a snapshot. So an unknown model
of a known family stays unknown. What the book cannot say is left out and told in `left_out`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, time
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from aihub.kit.errors import Invalid
from aihub.kit.money import plain
from aihub.pricing import api as pricing

PROVIDERS = {"x-ai": "xai", "aws": "bedrock", "moonshotai": "moonshot"}
_COMPONENTS = {
    "input_mtok": ("input_text", None),
    "output_mtok": ("output_text", None),
    "cache_read_mtok": ("cached_text", None),
    "cache_write_mtok": ("cache_write_5m", None),
    "cache_write_1h_mtok": ("cache_write_1h", None),
    "input_audio_mtok": ("input_audio", None),
    "output_audio_mtok": ("output_audio", None),
    "cache_audio_read_mtok": ("cached_audio", None),
    "input_image_mtok": ("input_image", None),
    "output_image_mtok": ("output_image", None),
    "cache_image_read_mtok": ("cached_image", None),
    "input_video_mtok": ("input_video", None),
    "output_video_mtok": ("output_video", None),
    "output_reasoning_mtok": ("output_reasoning", None),
    "web_searches_kcount": ("web_search", None),
    "storage_searches_kcount": ("file_search", None),
    "audio_hours": ("audio_second", 3600),
    "input_audio_hours": ("audio_second", 3600),
    "input_document_kpages": ("page", None),
    "input_annotated_document_kpages": ("annotated_page", None),
    "input_mchars": ("character", None),
    "requests_kcount": ("request", 1000),
    "rerank_searches_kcount": ("search_unit", None),
}

_DECIMALS = 12  # converted currencies have no end


@dataclass(frozen=True, slots=True)
class Imported:
    """`origin` names package and version; `left_out` says what the book cannot hold, and why."""

    origin: str
    models: list[pricing.PricedModel]
    left_out: list[str]


def read_package() -> Imported:
    """The models of the installed package. Raises Invalid where it is not installed."""
    try:
        from genai_prices import data  # noqa: PLC0415 - wanted by this command alone

        origin = f"genai-prices {version('genai-prices')}"
    except (ImportError, PackageNotFoundError) as error:
        raise Invalid(
            "The package genai-prices is not installed: pip install 'aihub[prices]'"
        ) from error
    return convert(data.providers, origin)


def convert(providers: Iterable[Any], origin: str) -> Imported:
    """`providers` as that package describes them."""
    left_out: list[str] = []
    models: list[pricing.PricedModel] = []
    for provider in providers:
        taken: set[str] = set()
        name = PROVIDERS.get(provider.id, provider.id)
        source = next(iter(provider.pricing_urls or ()), None)
        for model in provider.models:
            converted = _convert_model(name, source, model, taken, left_out)
            if converted is not None:
                models.append(converted)
    models.sort(key=lambda model: (model.provider, model.id))
    return Imported(origin, models, left_out)


def _convert_model(
    provider: str, source: str | None, model: Any, taken: set[str], left_out: list[str]
) -> pricing.PricedModel | None:
    place = f"{provider}/{model.id}"
    names = [name for name in dict.fromkeys(_names(model.match, place, left_out)) if name]
    # the package asks its models in order: a name belongs to the first that answers to it
    free = [name for name in names if name not in taken and name != model.id.lower()]
    if model.id.lower() in taken:
        left_out.append(f"{place}: its name is another model's")
        return None
    taken.update(free, [model.id.lower()])
    rows = _convert_rows(source, model, place, left_out)
    if not rows:
        left_out.append(f"{place}: it has no prices")
        return None
    return pricing.PricedModel(provider=provider, id=model.id.lower(), names=free, rows=rows)


def _names(clause: Any, place: str, left_out: list[str]) -> Iterator[str]:
    for kind in ("equals", "starts_with", "ends_with", "contains"):
        text = getattr(clause, kind, None)
        if text is not None:
            yield text.lower().strip("-@:")
            return
    if hasattr(clause, "or_"):
        for part in clause.or_:
            yield from _names(part, place, left_out)
    elif hasattr(clause, "and_"):
        yield from _names(clause.and_[0], place, left_out)
    elif "\\d{8}" not in clause.regex and "\\d{4}-" not in clause.regex:
        left_out.append(f"{place}: the pattern {clause.regex}")


def _convert_rows(
    source: str | None, model: Any, place: str, left_out: list[str]
) -> list[pricing.PriceRow]:
    dated: dict[date | None, Any] = {}
    timed: list[tuple[Any, Any]] = []
    prices = model.prices if isinstance(model.prices, list) else None
    if prices is None:
        dated[None] = model.prices
    for conditional in prices or ():
        constraint = conditional.constraint
        if hasattr(constraint, "start_time"):
            timed.append((constraint, conditional.prices))
        else:
            dated[getattr(constraint, "start_date", None)] = conditional.prices
    variants = list(_variants(model, place, left_out))
    days = set(dated) | {day for day, _ in variants if day is not None}
    rows: list[pricing.PriceRow] = []
    for day in sorted(days, key=lambda day: day or date.min):
        standard = dated[max((d for d in dated if (d or date.min) <= (day or date.min)),
                             key=lambda d: d or date.min)]  # fmt: skip
        flat, tiers = _convert_prices(standard, place, left_out)
        if flat:
            holding = [v for since, v in variants if (since or date.min) <= (day or date.min)]
            hours = [_hours(constraint, p, place, left_out) for constraint, p in reversed(timed)]
            rows.append(
                pricing.PriceRow(
                    since=day.isoformat() if day else None,
                    source=source,
                    prices=flat,
                    tiers=tiers,
                    variants=[*holding, *hours],
                )
            )
    return rows


def _variants(
    model: Any, place: str, left_out: list[str]
) -> Iterator[tuple[date | None, pricing.PriceVariant]]:
    for variant in model.price_variants or ():
        if variant.when.get("service_tier") == "default":
            continue  # what has no tier is standard in our words
        since = getattr(variant.constraint, "start_date", None)
        flat, tiers = _convert_prices(variant.prices, place, left_out)
        if flat or tiers:
            when = {key: _rename_facet(key, value) for key, value in variant.when.items()}
            yield since, pricing.PriceVariant(when=when, prices=flat, tiers=tiers)


def _rename_facet(key: str, value: str) -> str:
    return "priority" if (key, value) == ("service_tier", "fast") else value


def _hours(constraint: Any, prices: Any, place: str, left_out: list[str]) -> pricing.PriceVariant:
    flat, tiers = _convert_prices(prices, place, left_out)
    begin, end = _clock(constraint.start_time), _clock(constraint.end_time)
    spans = [f"{begin}-{end}"] if begin < end else [f"{begin}-24:00", f"00:00-{end}"]
    hours = pricing.PriceHours(spans=tuple(spans))
    return pricing.PriceVariant(hours=hours, prices=flat, tiers=tiers)


def _clock(at: time) -> str:
    assert at.tzinfo in (None, UTC)
    return f"{at:%H:%M}"


def _convert_prices(
    prices: Any, place: str, left_out: list[str]
) -> tuple[dict[str, str], list[pricing.PriceTier]]:
    flat: dict[str, str] = {}
    above: dict[int, dict[str, str]] = {}
    for key, value in prices.__dict__.items():
        if value is None:
            continue
        if key not in _COMPONENTS:
            left_out.append(f"{place}: {key}")
            continue
        component, per = _COMPONENTS[key]
        suffix = f"/{per}" if per else ""
        tiers = getattr(value, "tiers", None)
        base: Decimal = value if tiers is None else value.base
        flat[component] = _write(base) + suffix
        for tier in tiers or ():
            above.setdefault(tier.start, {})[component] = _write(tier.price) + suffix
    return flat, [pricing.PriceTier(above=start, prices=p) for start, p in sorted(above.items())]


def _write(price: Decimal) -> str:
    """A price with at most twelve decimals, as the book has it."""
    return plain(round(price, _DECIMALS))


def write_base(imported: Imported) -> bytes:
    """The base as a file of a release: a model a line, so that changes can be read."""
    encode = msgspec.json.Encoder().encode
    models = b",\n".join(encode(model) for model in imported.models)
    origin = encode(imported.origin)
    return b'{"origin": ' + origin + b', "models": [\n' + models + b"\n]}\n"
