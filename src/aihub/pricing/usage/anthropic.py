"""Usage as Anthropic's messages send it: what was read from and written to the cache is beside.

From the types of the anthropic package (`Usage`, `BetaUsage`, `BetaIterationsUsage`) and its pages
on prompt caching, the advisor tool, refusals and fallback:

- Input = `input_tokens` + `cache_read_input_tokens` + `cache_creation_input_tokens`. The split by
  lifetime is in `cache_creation`; what it leaves out, all of it in old payloads, is five minutes.
- `output_tokens` is all that is billed, thinking included.
- `iterations` lists each turn of the server. The top level holds the `message` turns, but at times
  only some of them: their sum counts where it is more. `compaction` turns are never in it and are
  added, unless it is exactly the sum of everything.
- `advisor_message` turns are billed at the rates of the advisor's model: `list_other_models`.
  Turns of a model that declined are billed at its own rates, and not at all without output; the
  `fallback_message` names the model that served, whose turns these quantities are.
- Web searches cost a fee, fetches none. The time of code containers is not in the usage.
- The seconds of a managed agent's session are billed beside its tokens.
"""

from collections.abc import Iterator, Mapping

import msgspec

from aihub.pricing.models import CallFacts, Flag, Payload, Usage
from aihub.pricing.quantities import (
    count_of,
    read_count,
    read_details,
    read_list,
    read_number,
    read_object,
)
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import Parts, split_input

KEYS = frozenset(
    {
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation",
        "server_tool_use",
        "iterations",
        "inference_geo",
        "fallback_credit",
    }
)


class _Turn(msgspec.Struct, frozen=True):
    """The counts of one turn, in the order in which they are added up."""

    fresh: int = 0
    cached: int = 0
    written: int = 0
    written_1h: int = 0
    output: int = 0
    thinking: int = 0

    @property
    def total(self) -> int:
        return self.fresh + self.cached + self.written + self.written_1h + self.output


def read_anthropic(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Usage:
    """The quantities at the rates of the model that answered."""
    turn = _read_turn(usage, path)
    turns: tuple[Parts, ...] = ()
    flags: list[Flag] = []
    if usage.get("iterations"):
        turn = _add_iterations(turn, usage, path, call, payload)
        turns = _lay_turns(turn, usage, path, call, payload)
        others = sorted(
            {model or "another model" for model, _ in list_others(usage, path, call, payload)}
        )
        if others:
            flags.append(say.other_model(", ".join(name[:100] for name in others)))
    parts = _lay(turn)
    stated = read_count(usage, path, "total_tokens")
    if stated is not None and stated != turn.total:
        flags.append(say.total_mismatch(turn.total, stated))
    if turn.thinking > turn.output:
        flags.append(say.reasoning_above_output(turn.thinking, turn.output))
    tools = usage.get("server_tool_use")
    if tools:
        tools = read_details(usage, path, "server_tool_use")
        searches = count_of(tools, f"{path}.server_tool_use", "web_search_requests")
        if searches:
            parts["web_search"] = searches
    if usage.get("active_seconds"):
        parts["session_second"] = read_number(usage["active_seconds"], f"{path}.active_seconds")
    if _is_redeemed(usage.get("fallback_credit")):
        flags.append(say.CREDIT_REDEEMED)
    return Usage(
        parts=parts,
        turns=turns,
        reasoning_tokens=min(turn.thinking, turn.output),
        flags=tuple(flags),
    )


def list_others(
    usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> Iterator[tuple[str | None, Usage]]:
    """What was used of other models than the one that answered, each with its model."""
    served = _name_served(usage, call, payload)
    for turn, at in _list_turns(usage, path):
        if not _is_other(turn, served):
            continue
        counts = _read_turn(turn, at)
        if counts.output or turn.get("type") == "advisor_message":
            model = turn.get("model")
            yield (
                (model if isinstance(model, str) else None),
                Usage(parts=_lay(counts), reasoning_tokens=min(counts.thinking, counts.output)),
            )


def _lay(turn: _Turn) -> Parts:
    parts = split_input(
        turn.fresh + turn.cached + turn.written + turn.written_1h,
        cached=turn.cached,
        written=turn.written,
        written_1h=turn.written_1h,
    )
    if turn.output:
        parts["output_text"] = turn.output
    return parts


def _read_turn(usage: Mapping[str, object], path: str) -> _Turn:
    written = count_of(usage, path, "cache_creation_input_tokens")
    long = 0
    if usage.get("cache_creation"):
        split = read_details(usage, path, "cache_creation")
        at = f"{path}.cache_creation"
        long = count_of(split, at, "ephemeral_1h_input_tokens")
        written = max(written - long, count_of(split, at, "ephemeral_5m_input_tokens"))
    thinking = 0
    if usage.get("output_tokens_details"):
        made = read_details(usage, path, "output_tokens_details")
        thinking = count_of(made, f"{path}.output_tokens_details", "thinking_tokens")
    return _Turn(
        count_of(usage, path, "input_tokens"),
        count_of(usage, path, "cache_read_input_tokens"),
        written,
        long,
        count_of(usage, path, "output_tokens"),
        thinking,
    )


def _add_iterations(
    top: _Turn, usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> _Turn:
    served = _name_served(usage, call, payload)
    messages = compactions = _Turn()
    for turn, at in _list_turns(usage, path):
        if _is_other(turn, served):
            continue
        if turn.get("type") == "compaction":
            compactions = _add(compactions, _read_turn(turn, at))
        else:
            messages = _add(messages, _read_turn(turn, at))
    everything = _add(messages, compactions)
    if top.total == everything.total:
        return everything if everything.thinking else _with_thinking(everything, top.thinking)
    more = messages if messages.total > top.total else top
    return _with_thinking(_add(more, compactions), max(more.thinking, top.thinking))


def _lay_turns(
    whole: _Turn, usage: Mapping[str, object], path: str, call: CallFacts, payload: Payload
) -> tuple[Parts, ...]:
    """The parts of each turn; nothing where the turns are not all that is billed."""
    served = _name_served(usage, call, payload)
    turns = [
        _read_turn(turn, at) for turn, at in _list_turns(usage, path) if not _is_other(turn, served)
    ]
    is_whole = sum(turn.total for turn in turns) == whole.total
    return tuple(_lay(turn) for turn in turns) if is_whole else ()


def _list_turns(
    usage: Mapping[str, object], path: str
) -> Iterator[tuple[Mapping[str, object], str]]:
    for index, turn in enumerate(read_list(usage, path, "iterations")):
        at = f"{path}.iterations[{index}]"
        yield read_object(turn, at), at


def name_fallback(usage: Mapping[str, object]) -> str | None:
    """The model that answered in place of one that declined; None when none did."""
    turns = usage.get("iterations")
    for turn in turns if isinstance(turns, list) else ():
        if isinstance(turn, dict) and turn.get("type") == "fallback_message":
            model = turn.get("model")
            if isinstance(model, str) and model:
                return model
    return None


def _name_served(usage: Mapping[str, object], call: CallFacts, payload: Payload) -> str | None:
    return name_fallback(usage) or payload.model or call.model


def _is_other(turn: Mapping[str, object], served: str | None) -> bool:
    model = turn.get("model")
    if not isinstance(model, str) or not model:
        return turn.get("type") == "advisor_message"
    if served is None:
        return turn.get("type") == "advisor_message"
    return not (model.startswith(served) or served.startswith(model))


def _add(one: _Turn, other: _Turn) -> _Turn:
    return _Turn(
        one.fresh + other.fresh,
        one.cached + other.cached,
        one.written + other.written,
        one.written_1h + other.written_1h,
        one.output + other.output,
        one.thinking + other.thinking,
    )


def _with_thinking(turn: _Turn, thinking: int) -> _Turn:
    return msgspec.structs.replace(turn, thinking=thinking)


def _is_redeemed(credit: object) -> bool:
    status = credit.get("status") if isinstance(credit, dict) else None
    return isinstance(status, dict) and status.get("type") == "redeemed"
