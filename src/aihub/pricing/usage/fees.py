"""Fees beside the tokens: searches, grounding, sessions, as the answer counted them.

- OpenAI charges each search of its web tool, not the opening of pages (types of the openai package,
  `ToolUsage`); its search models in chat completions search once per request.
- Google bills grounding by the query from Gemini 3 on and by the grounded prompt before; a daily
  allowance is free, of which only the context can know: `free_grounding_allowance_used_up`. Where
  it says nothing the fee is taken, flagged.
- A count in the usage itself goes before one of the answer.
"""

import re

from aihub.pricing.models import CallFacts, Flag, Payload
from aihub.pricing.quantities import count_of
from aihub.pricing.usage import flags as say
from aihub.pricing.usage.splitting import Parts

_PLAIN = {
    "web_searches": "web_search",
    "search_sources": "search_source",
    "file_searches": "file_search",
    "code_sessions": "code_session",
    "tool_calls": "tool_call",
    "maps_prompts": "maps_prompt",
}
_GROUNDING = ("grounding_queries", "grounding_prompts")
FACTS = frozenset({*_PLAIN, *_GROUNDING})
_BY_QUERY_SINCE = 3
_GENERATION = re.compile(r"gemini-(\d{1,3})")


def add_fees(parts: Parts, call: CallFacts, payload: Payload, flags: list[Flag]) -> None:
    """Adds the fees that the answer's facts count to `parts`."""
    facts = payload.facts
    for name, part in _PLAIN.items():
        if name in facts and part not in parts:
            count = count_of(facts, "facts", name)
            if count:
                parts[part] = count
    if not any(name in facts for name in _GROUNDING) or {"grounding_query", "grounding_prompt"} & (
        parts.keys()
    ):
        return
    queries, prompts = (count_of(facts, "facts", name) for name in _GROUNDING)
    is_used_up = call.context.get("free_grounding_allowance_used_up")
    if is_used_up is False or not (queries or prompts):
        return
    if _is_by_query(payload.model or call.model):
        if queries:
            parts["grounding_query"] = queries
    else:
        parts["grounding_prompt"] = prompts or 1
    if is_used_up is None:
        flags.append(say.ALLOWANCE_UNKNOWN)


def searches_once(call: CallFacts, payload: Payload) -> bool:
    """Whether it is one of OpenAI's models that search on each chat completion."""
    model = payload.model or call.model
    if model is None or "-search-" not in model:
        return False
    return call.provider in (None, "openai", "azure") and "responses" not in (call.api or "")


def _is_by_query(model: str | None) -> bool:
    generation = _GENERATION.search(model or "")
    return generation is None or int(generation.group(1)) >= _BY_QUERY_SINCE
