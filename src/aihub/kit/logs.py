"""Log lines: text for people or JSON for machines, each with what is known of its request.

No line holds what people wrote, their names or a key. Lines of ours name counts, ids and routes;
what libraries say about values is left out here: the details of PostgreSQL's errors, and the texts
of errors that quote what they were given.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, TypeAlias

import asyncpg
import msgspec

Context: TypeAlias = dict[str, Any]
Format = Literal["text", "json"]

_context: ContextVar[Context | None] = ContextVar("aihub_log_context", default=None)

_QUOTING = (ValueError, LookupError, msgspec.MsgspecError)
_TOLD_OTHERWISE = (asyncpg.PostgresError, *_QUOTING)
_DATA_EXCEPTION = "22"  # the class of PostgreSQL's errors that quote a value
# what may never be read in a log, should a line hold it after all
_SECRETS = re.compile(
    r"\b(?:ah[ko]_|sk-|eyJ)[\w.\-]{8,}"  # keys of the hub and of providers, signed tokens
    r"|(?<=[Bb]earer )\S+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user and password of an address
)
_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r", "\x1b": "\\x1b"})
_TEXT_FACTS = ("request_id", "organization_id")
_QUIET = ("httpx", "httpcore")  # they tell each address they call


def begin(request_id: str) -> Token[Context | None]:
    """From here to `end`, lines of this task and of those it starts belong to this request."""
    return _context.set({"request_id": request_id})


def end(token: Token[Context | None]) -> None:
    """The end of what `begin` began."""
    _context.reset(token)


def note(**facts: str) -> None:
    """Add to what every line of this request says; nothing outside of a request."""
    found = _context.get()
    if found is not None:
        found.update(facts)


def request_id() -> str | None:
    """The id of the request this task works for; None outside of one."""
    found = _context.get()
    return None if found is None else found["request_id"]


def tell_error(error: BaseException) -> str:
    """An error's kind and, where that quotes no values, what it says."""
    name = type(error).__qualname__
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        name = f"{name} ({state})" if state else name
        if state.startswith(_DATA_EXCEPTION):
            return name
        text = getattr(error, "message", None) or (str(error.args[0]) if error.args else "")
        return f"{name}: {text}" if text else name
    if isinstance(error, _QUOTING):
        return name
    text = str(error)
    return f"{name}: {text}" if text else name


def tell_traceback(error: BaseException) -> str:
    """Where an error came from, with its causes, the first one first; see `tell_error`."""
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        hidden = None if found.__suppress_context__ else found.__context__
        found = found.__cause__ or hidden
    return "\nwhich led to\n".join(
        "".join(traceback.format_tb(one.__traceback__)) + tell_error(one) for one in reversed(chain)
    )


class _Formatter(logging.Formatter):
    """What both forms have in common: lines without values, facts of the request."""

    def told(self, record: logging.LogRecord) -> str:
        """The message: an error among its arguments is told by `tell_error`."""
        if record.args:
            record.args = _without_values(record.args)
        return _SECRETS.sub("…", record.getMessage())

    def failure(self, record: logging.LogRecord) -> str | None:
        """The traceback, if there is one."""
        error = record.exc_info[1] if record.exc_info else None
        return None if error is None else _SECRETS.sub("…", tell_traceback(error))

    def facts(self, record: logging.LogRecord) -> Mapping[str, Any]:
        """What is known of the request, and what the line itself adds."""
        own: Mapping[str, Any] = getattr(record, "facts", None) or {}
        return {**(_context.get() or {}), **own}


class TextFormatter(_Formatter):
    """`2026-11-27 09:00:00.000 INFO aihub.main: message [request_id=…]`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback's lines below it."""
        at = _time(record).isoformat(" ", "milliseconds").removesuffix("+00:00")
        facts = self.facts(record)
        known = " ".join(f"{name}={facts[name]}" for name in _TEXT_FACTS if name in facts)
        line = f"{at} {record.levelname} {record.name}: {self.told(record).translate(_BREAKS)}"
        failure = self.failure(record)
        return "".join((line, f" [{known}]" if known else "", f"\n{failure}" if failure else ""))


class JsonFormatter(_Formatter):
    """One JSON object a line: `time, level, logger, message`, the request's facts, `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        line = {
            "time": _time(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.told(record),
            **self.facts(record),
        }
        failure = self.failure(record)
        if failure:
            line["error"] = failure
        return msgspec.json.encode(line).decode()


def set_up(level: str, form: Format = "text", stream: TextIO | None = None) -> None:
    """Have every logger of this process write to `stream` (standard error), once."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _without_values(args: Any) -> Any:
    if isinstance(args, Mapping):
        return {name: _without_value(value) for name, value in args.items()}
    return tuple([_without_value(value) for value in args])


def _without_value(value: Any) -> Any:
    return tell_error(value) if isinstance(value, _TOLD_OTHERWISE) else value


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
