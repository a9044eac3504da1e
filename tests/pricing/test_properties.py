"""Laws of pricing that hold for every input."""

from decimal import Decimal, localcontext

from hypothesis import event, given, settings
from hypothesis import strategies as st

from aihub.pricing.components import TOKENS
from aihub.pricing.shipped import load_shipped

COUNTS = st.integers(min_value=0, max_value=10**12)
NAMED = st.sampled_from(sorted({(entry.provider, entry.model) for entry in load_shipped().entries}))
WORDS = st.sampled_from(
    ["usage", "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details",
     "cached_tokens", "input_tokens", "output_tokens", "cache_read_input_tokens", "iterations",
     "cache_creation", "usageMetadata", "promptTokenCount", "inputTokens", "cacheDetails", "cost",
     "cost_in_usd_ticks", "is_byok", "cost_details", "stream_events", "message", "response", "type",
     "model", "service_tier", "speed", "server_tool_use", "output", "http_status", "batch",
     "inference_geo", "data_residency", "input_tokens_details", "result", "body", "eval_count"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=5)
    | st.sampled_from([0, 1, 7, "fast", "message_delta", "gpt-4o", "batch"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=12,
)


@given(
    usage=JSON,
    response=JSON,
    tokens=st.none() | COUNTS,
    context=st.dictionaries(WORDS, JSON, max_size=3),
    named=NAMED | st.tuples(st.none() | st.text(max_size=9), st.none() | st.text(max_size=9)),
)
@settings(max_examples=400, deadline=None)
def test_no_json_breaks_it(price, usage, response, tokens, context, named):
    facts = {"usage": usage, "response": response, "tokens": tokens, "context": context}
    call = price(named[1], named[0], **facts)
    event(call.cost_note.split(":")[0] if call.cost_note else "priced")
    assert call.cost_status in {"priced", "free", "estimated", "unpriced"}
    assert (call.cost is None) == (call.cost_status == "unpriced")
    assert call.total_tokens == call.input_tokens + call.output_tokens


@given(named=NAMED, parts=st.lists(COUNTS, min_size=5, max_size=5), batch=st.booleans())
@settings(deadline=None)
def test_the_lines_add_up_exactly_and_fit_the_column(price, named, parts, batch):
    fresh, cached, write_5m, write_1h, output = (part // 10 for part in parts)
    usage = {
        "input_tokens": fresh,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": write_5m + write_1h,
        "cache_creation": {"ephemeral_1h_input_tokens": write_1h},
        "output_tokens": output,
    }
    call = price(named[1], named[0], usage=usage, context={"batch": batch})
    if call.cost is None:
        assert "no_price: " in call.cost_note
        return
    with localcontext(prec=200):
        exact = sum((line.quantity * line.unit_price for line in call.cost_lines), Decimal(0))
        added = sum((line.amount for line in call.cost_lines), Decimal(0))
    assert call.cost == added
    assert abs(call.cost - exact) <= Decimal("1e-6")  # but for prices that have no end
    tokens = [line.quantity for line in call.cost_lines if line.component in TOKENS]
    assert sum(tokens) == call.total_tokens or call.cost_status == "free"
    assert call.cost < 10**20
    assert call.cost.as_tuple().exponent >= -18


@given(cached=COUNTS, more=COUNTS)
def test_beside_and_inside_the_input_cost_the_same(price, cached, more):
    cached, more = cached // 4, more // 4  # their sum must stay a possible total
    beside = {"input_tokens": more, "cache_read_input_tokens": cached, "output_tokens": 1}
    inside = {"input_tokens": more + cached, "cached_input_tokens": cached, "output_tokens": 1}
    first, second = (price("gpt-4.1", "openai", usage=usage) for usage in (beside, inside))
    assert first.cost == second.cost
    assert first.quantities == second.quantities


def test_a_million_small_costs_add_up_to_the_cent(price):
    one = price("gpt-4o-mini", usage={"input_tokens": 10, "output_tokens": 2}).cost
    assert one == Decimal("0.0000027")
    total = Decimal(0)
    for _ in range(1_000_000):
        total += one
    assert total == Decimal("2.70")
