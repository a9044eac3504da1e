"""Bills as providers give them, one small module a source: documents in, `BilledRow`s out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aihub.kit.errors import Invalid
from aihub.reconciliation.models import ParsedBill
from aihub.reconciliation.sources import anthropic, aws, azure, gcp, openai, openrouter
from aihub.reconciliation.sources.adding import aggregate
from aihub.reconciliation.sources.reading import unpack


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of document: whose it is, and how it is read."""

    provider: str
    parse: Callable[[bytes, str], ParsedBill]


SOURCES = {
    "openai-usage": Source("openai", openai.parse_usage),
    "openai-costs": Source("openai", openai.parse_costs),
    "anthropic-usage": Source("anthropic", anthropic.parse_usage),
    "anthropic-cost": Source("anthropic", anthropic.parse_cost),
    "openrouter": Source("openrouter", openrouter.parse_activity),
    "aws": Source("bedrock", aws.parse),
    "gcp": Source("google", gcp.parse),
    "azure": Source("azure", azure.parse),
}

SOURCES_OF_COSTS = ("openai-costs", "anthropic-cost", "openrouter", "aws", "gcp", "azure")
"""Those that tell money; the others count tokens."""


def parse_files(source: str, files: Iterable[tuple[str, bytes]]) -> ParsedBill:
    """Several files of one kind as one bill, plain or gzipped; (name, content) each.

    Raises Invalid for a kind that is unknown, MalformedBill with file, place and reason.
    """
    if source not in SOURCES:
        raise Invalid.field("kind", f"must be one of {', '.join(SOURCES)}")
    parsed = [SOURCES[source].parse(unpack(raw, name), name) for name, raw in files]
    return ParsedBill(
        aggregate(row for bill in parsed for row in bill.rows),
        frozenset(day for bill in parsed for day in bill.days),
        sum(bill.other_lines for bill in parsed),
    )


__all__ = ["SOURCES", "SOURCES_OF_COSTS", "Source", "aggregate", "parse_files"]
