"""One conversation as a script: who says what after which pause, without a clock."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from aihub.demo.models import MODELS, MeteredCall, ModelSession
from aihub.demo.organizations import DemoOrganization, Module, Weights
from aihub.demo.texts import Phrases, estimate_tokens, load_phrases

_TURNS = {1: 16, 2: 24, 3: 22, 4: 14, 5: 9, 6: 5, 7: 3, 8: 2, 10: 2, 12: 1.5, 15: 1, 20: 0.5}
_ERRORS = {"provider_timeout": 4.0, "rate_limit_exceeded": 5.0, "content_filter": 1.0}
_TIMEOUT_MS = 60_000
_TOOLS: dict[str, tuple[str, dict[str, Any]]] = {
    "refund": ("start_refund", {"state": "accepted"}),
    "delivery": ("track_parcel", {"state": "in_transit", "hub": "north-2"}),
    "password_reset": ("send_reset_link", {"sent": True}),
    "invoice_question": ("get_invoice", {"pages": 2, "currency_checked": True}),
    "product_advice": ("search_catalog", {"hits": 7, "shown": 2}),
    "bug_report": ("create_ticket", {"priority": "normal"}),
    "booking": ("find_free_slots", {"slots": 4}),
    "cancellation": ("cancel_contract", {"fee": 0}),
}
_PAST_DATES = frozenset({"refund", "delivery", "bug_report"})

# how often something happens in a conversation, 0 to 1
_SHOWS_PROMPT = 0.35
_KEEPS_DEVICE = 0.7
_HAS_KEY = 0.4
_IS_LEFT = 0.14
_IS_RATED = 0.3
_HAS_COMMENT = 0.55
_GREETS = 0.6
_THANKS = 0.6
_EXPLAINS = 0.3
_USES_TOOL = 0.4
USUAL_ERRORS = 0.015

_MOODS = ("bad", "bad", "bad", "mixed", "good", "good")  # by score


@dataclass(frozen=True, slots=True)
class ScriptedMessage:
    """A message's body without ids and times, `pause_ms` after the one before."""

    pause_ms: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A model call beside the messages (an embedding), `pause_ms` after the message before."""

    pause_ms: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """A conversation to be played. `is_left` tells that the user just went away at the end."""

    conversation: dict[str, Any]
    steps: tuple[ScriptedMessage | ScriptedCall, ...]
    feedback: dict[str, Any] | None
    is_left: bool


@dataclass(slots=True)
class _Writer:
    """The script so far and what it needs to go on."""

    rng: Random
    organization: DemoOrganization
    session: ModelSession
    error_rate: float
    slots: dict[str, str]
    prompt_tokens: float
    steps: list[ScriptedMessage | ScriptedCall] = field(default_factory=list)
    errors: int = 0


def write_script(
    organization: DemoOrganization,
    rng: Random,
    *,
    on: date,
    seed: str,
    error_rate: float = USUAL_ERRORS,
) -> Script:
    """A conversation of a day, made of `rng` alone: the same state writes the same script.

    `seed` names the world: a user of it has the same language whenever he or she comes back.
    """
    user = int(organization.users * rng.random() ** 2)  # some come often, most rarely
    traits = Random(f"{seed}:{organization.id}:user:{user}")  # noqa: S311 - repeatable on purpose
    language = choose(traits, organization.languages)
    phrases = load_phrases(language)
    name, module = _choose_module(rng, organization)
    turns = _choose_turns(rng)
    lines, intents = _plan_lines(rng, phrases, module, turns=turns)
    model = MODELS[choose(rng, organization.models)]
    writer = _Writer(
        rng=rng,
        organization=organization,
        session=ModelSession(model, rng),
        error_rate=error_rate,
        slots=_fill_slots(rng, organization, phrases, on=on, intent=intents[0]),
        prompt_tokens=estimate_tokens(module.prompt) + rng.randint(300, 2_600),
    )
    if rng.random() < _SHOWS_PROMPT:
        writer.steps.append(ScriptedMessage(0, {"role": "system", "content": module.prompt}))
    for line in lines:
        _write_turn(writer, line)
    source = choose(traits if traits.random() < _KEEPS_DEVICE else rng, module.sources)
    conversation = {
        "user_id": organization.user_pattern.format(user),
        "source": source,
        "module": name,
        "intent_chain": intents,
        "metadata": {"language": language, "app_version": f"5.{traits.randint(0, 9)}"},
    }
    if rng.random() < _HAS_KEY:
        conversation["key"] = f"session-{rng.getrandbits(64):016x}"
    is_left = rng.random() < _IS_LEFT
    feedback = None
    if not is_left and rng.random() < _IS_RATED:
        feedback = _rate(rng, phrases, turns=turns, errors=writer.errors)
    return Script(conversation, tuple(writer.steps), feedback, is_left)


def choose(rng: Random, weights: Weights) -> str:
    """One of the names, as often as its weight says."""
    return rng.choices(list(weights), weights=list(weights.values()))[0]


@dataclass(frozen=True, slots=True)
class _Line:
    """What a user says next and what the assistant answers; `uses_tool` before answering."""

    question: str
    answer: str
    intent: str
    uses_tool: bool = False


def _choose_module(rng: Random, organization: DemoOrganization) -> tuple[str, Module]:
    shares = {name: module.share for name, module in organization.modules.items()}
    name = choose(rng, shares)
    return name, organization.modules[name]


def _choose_turns(rng: Random) -> int:
    return rng.choices(list(_TURNS), weights=list(_TURNS.values()))[0]


def _plan_lines(
    rng: Random, phrases: Phrases, module: Module, *, turns: int
) -> tuple[list[_Line], list[str]]:
    """The questions and answers of a conversation, one intent after the other."""
    lines: list[_Line] = []
    intents: list[str] = []
    while len(lines) < turns:
        unused = {name: w for name, w in module.intents.items() if name not in intents}
        intent = choose(rng, unused or module.intents)
        intents.append(intent)
        lines += _plan_intent(rng, phrases, intent)
    lines = lines[:turns]
    if turns > 1 and rng.random() < _THANKS:
        last = _Line(rng.choice(phrases.thanks), rng.choice(phrases.goodbyes), lines[-1].intent)
        lines[-1] = last
    if rng.random() < _GREETS:
        greeting = rng.choice(phrases.greetings)
        lines[0] = _Line(
            greeting + lines[0].question, lines[0].answer, lines[0].intent, lines[0].uses_tool
        )
    return lines, list(dict.fromkeys(line.intent for line in lines))


def _plan_intent(rng: Random, phrases: Phrases, intent: str) -> Iterator[_Line]:
    known = phrases.intents[intent]
    answer = rng.choice(known.answer)
    if rng.random() < _EXPLAINS:
        answer += "\n\n" + rng.choice(phrases.details)
    yield _Line(rng.choice(known.ask), answer, intent, uses_tool=rng.random() < _USES_TOOL)
    follow = [*known.follow, *rng.sample(phrases.follow, k=2)]
    rng.shuffle(follow)
    for question, reply in follow:
        yield _Line(question, reply, intent)


def _fill_slots(
    rng: Random, organization: DemoOrganization, phrases: Phrases, *, on: date, intent: str
) -> dict[str, str]:
    days = rng.randint(2, 12)
    day = on + timedelta(days=-days if intent in _PAST_DATES else days)
    euros = rng.choice((9, 19, 39, 64, 120, 240, 480)) + rng.random()
    return {
        "reference": f"{organization.reference_prefix}-{rng.randint(10_000, 99_999)}",
        "product": rng.choice(organization.products),
        "city": rng.choice(organization.cities),
        "amount": organization.currency.format(
            euros * (160 if "¥" in organization.currency else 1)
        ),
        "date": phrases.date.format(d=day.day, m=day.month),
        "days": str(days),
    }


def _write_turn(writer: _Writer, line: _Line) -> None:
    rng = writer.rng
    question = line.question.format(**writer.slots)
    pause_ms = int(1000 * (4 + len(question) / 8 + rng.expovariate(1 / 35))) if writer.steps else 0
    _write(writer, pause_ms, {"role": "user", "content": question, "intent": line.intent})
    if line.intent == "product_advice" and line.uses_tool and writer.organization.embeds_searches:
        writer.steps.append(_embed(rng, question))
    if rng.random() < writer.error_rate:
        _write_error(writer)
    if line.uses_tool:
        _write_tool_use(writer, line.intent)
    answer = line.answer.format(**writer.slots)
    call = _meter(writer, answer)
    _write(writer, call.latency_ms, {"role": "assistant", "content": answer, **call.fields})


def _write_error(writer: _Writer) -> None:
    """A call that failed; the caller tries again after it."""
    error = choose(writer.rng, _ERRORS)
    model = writer.session.model
    latency_ms = _TIMEOUT_MS if error == "provider_timeout" else writer.rng.randint(90, 900)
    body = {
        "role": "assistant",
        "content": "",
        "model": model.name,
        "provider": model.provider,
        "latency_ms": latency_ms,
        "error": error,
    }
    writer.steps.append(ScriptedMessage(latency_ms, body))
    writer.errors += 1


def _write_tool_use(writer: _Writer, intent: str) -> None:
    rng = writer.rng
    name, found = _TOOLS[intent]
    reference = writer.slots["reference"]
    call_id = f"call_{rng.getrandbits(48):012x}"
    arguments = json.dumps({"reference": reference})
    call = _meter(writer, f"{name} {arguments} ................")
    body = {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        ],
        **call.fields,
    }
    _write(writer, call.latency_ms, body)
    answer: dict[str, Any] = {
        "role": "tool",
        "content": json.dumps({"reference": reference, **found}),
        "metadata": {"tool_call_id": call_id, "name": name},
    }
    _write(writer, rng.randint(80, 900), answer)


def _meter(writer: _Writer, answer: str) -> MeteredCall:
    spread = writer.rng.uniform(0.92, 1.08)
    return writer.session.meter_call(
        input_tokens=int(writer.prompt_tokens),
        output_tokens=max(1, int(estimate_tokens(answer) * spread)),
    )


def _write(writer: _Writer, pause_ms: int, body: dict[str, Any]) -> None:
    writer.steps.append(ScriptedMessage(pause_ms, body))
    writer.prompt_tokens += 4 + estimate_tokens(body["content"])


def _embed(rng: Random, text: str) -> ScriptedCall:
    tokens = max(1, int(estimate_tokens(text)))
    latency_ms = rng.randint(60, 240)
    body = {
        "provider": "openai",
        "model": "text-embedding-3-small",
        "api": "embeddings",
        "latency_ms": latency_ms,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return ScriptedCall(latency_ms, body)


def _rate(rng: Random, phrases: Phrases, *, turns: int, errors: int) -> dict[str, Any]:
    liking = 4.4 - 1.3 * errors - 0.12 * max(0, turns - 4) + rng.gauss(0, 0.9)
    score = min(5, max(0, round(liking)))
    feedback: dict[str, Any] = {"score": score}
    if rng.random() < _HAS_COMMENT:
        feedback["comment"] = rng.choice(phrases.comments[_MOODS[score]])
    return feedback
