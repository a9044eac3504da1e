"""The single fields of the form of a markup rule: text to what a draft holds. Pure."""

import contextlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from aihub.dashboards.filters import BadValue
from aihub.kit.money import plain

PLACES = ("module", "provider", "model")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+")
_MOST_DIGITS = 40


def given_only(name: str, value: str | None) -> dict[str, Any]:
    """Nothing for nothing."""
    return {} if value is None else {name: value}


def read_number(values: Mapping[str, str], name: str) -> str | None:
    """An amount or a percentage in digits; None when nothing is typed. Raises BadValue."""
    text = values.get(name, "").removeprefix("$").removesuffix("%").strip()
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None or len(text) > _MOST_DIGITS:
        raise BadValue("A number such as 0.05, with a point before the decimals.")
    return plain(Decimal(text))


def read_quantity(text: str) -> str:
    """A number of tokens or requests, or USD, that may be grouped. Raises BadValue."""
    shown = text.removeprefix("$").strip()
    if _GROUPED.fullmatch(shown):
        shown = shown.replace(",", "")
    if _NUMBER.fullmatch(shown) is None or len(shown) > _MOST_DIGITS:
        raise BadValue("A number such as 1,000,000.")
    return plain(Decimal(shown))


def _read_key(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    key = values.get("rule_key", "")
    if not key:
        raise BadValue("Give the rule a name, such as acme-gpt.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99}", key):
        raise BadValue("Small letters, digits, points and dashes, at most 100.")
    return {"rule_key": key}


def _read_scope(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    scope = values.get("scope", "everybody")
    if scope not in ("everybody", "plan", "organization"):
        raise BadValue("Everybody, a plan or an organization.")
    return {}


def _read_owner(name: str) -> Any:
    def read(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
        if values.get("scope") != name:
            return {}
        if not values.get(name):
            raise BadValue("Say which, or choose “everybody”.")
        return {name: values[name]}

    return read


def _read_place(name: str) -> Any:
    return lambda values, _: {name: values[name]} if values.get(name) else {}


def _read_priority(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    text = values.get("priority") or "0"
    if not re.fullmatch(r"-?[0-9]{1,4}", text):
        raise BadValue("A whole number from -1000 to 1000.")
    return {"priority": int(text)}


def _read_time(name: str) -> Any:
    def read(values: Mapping[str, str], zone: ZoneInfo) -> dict[str, Any]:
        text = values.get(name)
        if not text:
            return {}
        try:
            moment = datetime.fromisoformat(text)
            local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
            return {name: local.astimezone(UTC).isoformat()}
        except (ValueError, OverflowError):
            raise BadValue("A day and a time, such as 2026-12-01 00:00.") from None

    return read


def _read_backdated(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    return {"is_backdated": True} if values.get("is_backdated") else {}


def _read_included(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    given = given_only("usd", read_number(values, "included_usd"))
    if tokens := values.get("included_tokens"):
        with contextlib.suppress(BadValue):  # told at its own field
            given["tokens"] = read_quantity(tokens)
    return {"included": given} if given else {}


def _check_included_tokens(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    if tokens := values.get("included_tokens"):
        read_quantity(tokens)
    return {}


def _read_note(values: Mapping[str, str], _: ZoneInfo) -> dict[str, Any]:
    return {"note": values.get("note", "")}


# by the field that their errors stand beside
READERS: dict[str, Any] = {
    "rule_key": _read_key,
    "scope": _read_scope,
    "organization": _read_owner("organization"),
    "plan": _read_owner("plan"),
    **{name: _read_place(name) for name in PLACES},
    "priority": _read_priority,
    "included_usd": _read_included,
    "included_tokens": _check_included_tokens,
    "valid_from": _read_time("valid_from"),
    "valid_to": _read_time("valid_to"),
    "is_backdated": _read_backdated,
    "note": _read_note,
}
