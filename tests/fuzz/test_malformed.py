"""Ten thousand broken bodies at every POST endpoint: none makes the hub fail, fall or grow."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count

from .conftest import Target

USUAL_COUNT = 10_000
CONNECTIONS = 8
GROWTH_MB = 128

USAGE = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
MESSAGE = {
    "role": "assistant",
    "content": "On its way é 📦",
    "model": "gpt-4",
    "usage": USAGE,
    "latency_ms": 840,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    "metadata": {"a": [1, 2.5, None, True, {"b": "c"}]},
}
CONVERSATION = {"user_id": "user_456", "module": "m", "key": "k", "metadata": {"tags": ["a"]}}
CALL = {
    "provider": "openai",
    "model": "gpt-4",
    "api": "chat.completions",
    "occurred_at": "2026-01-31T12:00:00Z",
    "context": {"batch": False, "region": "eu"},
    "response": {"model": "gpt-4", "usage": USAGE, "choices": []},
}

Mutation = Callable[[random.Random, bytes], bytes]


def bodies(conversation: str) -> dict[str, object]:
    """A good body for each POST endpoint."""
    here = f"/v1/conversations/{conversation}"
    events = [
        {"type": "conversation", "body": CONVERSATION},
        {"type": "message", "body": MESSAGE | {"conversation_id": conversation}},
        {"type": "call", "body": CALL},
        {"type": "transition", "body": {"conversation_id": conversation, "action": "pause"}},
        {"type": "feedback", "body": {"conversation_id": conversation, "score": 4.5}},
    ]
    return {
        "/v1/conversations": CONVERSATION,
        f"{here}/messages": MESSAGE,
        f"{here}/feedback": {"score": 4.25, "comment": "good"},
        f"{here}/pause": {"reason": "later"},
        f"{here}/resume": {"at": "2026-01-31T12:00:00Z"},
        "/v1/calls": CALL,
        "/v1/batch": {"events": events},
        "/v1/organizations": {"id": "shop", "name": "Shop", "timezone": "Europe/Berlin"},
        "/v1/members": {"email": "ada@example.org", "role": "viewer"},
        "/v1/api-keys": {"name": "k", "scopes": ["read"]},
    }


def _somewhere(chance: random.Random, body: bytes) -> tuple[int, int]:
    start = chance.randrange(len(body) + 1)
    return start, min(len(body), start + chance.randint(1, 12))


def cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body))]


def drop(chance: random.Random, body: bytes) -> bytes:
    start, end = _somewhere(chance, body)
    return body[:start] + body[end:]


def repeat(chance: random.Random, body: bytes) -> bytes:
    start, end = _somewhere(chance, body)
    return body[:start] + body[start:end] * chance.choice([2, 3, 50]) + body[end:]


def flip(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


NASTY = [
    *(b"\x00", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf"),
    *(b'"\\u0000"', b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\uFFFF"', b'"\\x"', b'"' * 99),
    *(b"NaN", b"-Infinity", b"1e999999", b"-1e-999999", b"9" * 400, b"-0", b"00", b"1.", b"0x1f"),
    *(b"9223372036854775808", b"-9223372036854775809", b"1.7976931348623159e308", b"1E400"),
    *(b"[" * 2_000, b'{"a":' * 2_000, b"[" * 900 + b"]" * 900, b"{}", b"[]", b'""', b"null"),
    *(b'{"a":1,"a":2}', b"// comment", b"\t\n", b"," * 9, b'"9999-12-31T23:59:59Z"', b"true"),
    *(b'"' + b"a" * 300 + b'"', b'"0001-01-01T00:00:00+23:59"', b'"2026-02-30T25:61:61Z"'),
]


def insert(chance: random.Random, body: bytes) -> bytes:
    start, end = _somewhere(chance, body)
    return body[:start] + chance.choice(NASTY) + body[chance.choice([start, end]) :]


def replace_value(chance: random.Random, body: bytes) -> bytes:
    """What stands after a colon, with a nasty value: the JSON mostly stays whole."""
    colons = [at for at, byte in enumerate(body) if byte == ord(":")]
    if not colons:
        return insert(chance, body)
    start = chance.choice(colons) + 1
    end = start
    depth, quoted = 0, False
    while end < len(body) and not (depth == 0 and not quoted and body[end] in b",}]"):
        char = body[end : end + 1]
        quoted ^= char == b'"' and body[end - 1 : end] != b"\\"
        if not quoted:
            depth += (char in b"{[") - (char in b"}]")
        end += 1
    return body[:start] + chance.choice(NASTY) + body[end:]


def noise(chance: random.Random, _: bytes) -> bytes:
    return chance.randbytes(chance.randint(0, 300))


MUTATIONS: list[Mutation] = [cut, drop, repeat, flip, insert, replace_value, replace_value, noise]
HEADERS = [*[b""] * 17, b"Idempotency-Key: \xe9\xff\r\n", b"Content-Type: text/plain\r\n"]


async def _attack(
    target: Target, conversation: str, numbers: Iterator[int], total: int
) -> Counter[str]:
    """Send until the numbers are used up, over one connection, opened again when it is closed."""
    found: Counter[str] = Counter()
    good = {path: json.dumps(body).encode() for path, body in bodies(conversation).items()}
    paths = list(good)
    reader, writer = await asyncio.open_connection("127.0.0.1", target.hub.port)
    while (n := next(numbers)) < total:
        chance = random.Random(n)  # a failure is repeated by its number
        path = paths[n % len(paths)]
        body = good[path]
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            body = chance.choice(MUTATIONS)(chance, body or b"{}")
        head = (
            f"POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {target.api.key}\r\n"
            f"X-Organization-Id: org_123\r\nContent-Length: {len(body)}\r\n"
        ).encode()
        extra = chance.choice(HEADERS).replace(b": \xe9", b": %d\xe9" % n)
        writer.write(head + extra + b"\r\n" + body)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        status = answer[9:12].decode()
        [length] = [
            int(line.split(b":")[1])
            for line in answer.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        said = await reader.readexactly(length)
        assert status < "500", (n, path, body[:2_000], said)
        found[status] += 1
        if b"connection: close" in answer.lower():
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", target.hub.port)
    writer.close()
    return found


async def _attack_all(target: Target, conversation: str, total: int) -> Counter[str]:
    numbers = count()
    found = await asyncio.gather(
        *(_attack(target, conversation, numbers, total) for _ in range(CONNECTIONS))
    )
    return sum(found, Counter())


def test_malformed_bodies(target: Target, fuzz_count: int | None) -> None:
    total = fuzz_count or USUAL_COUNT
    conversation = target.make_conversation()
    asyncio.run(_attack_all(target, conversation, total // 10))  # caches fill up
    before = target.memory_mb()
    found = asyncio.run(_attack_all(target, conversation, total))
    grown = target.memory_mb() - before
    print(f"{total} bodies: {dict(sorted(found.items()))}, {grown:+.1f} MB")
    assert sum(found.values()) == total
    assert found["400"] + found["422"] > total // 2
    assert grown < GROWTH_MB
    assert target.hub.is_running
    assert "Traceback" not in target.hub.output
    path = f"/v1/conversations/{conversation}"
    written = target.api("POST", f"{path}/messages?reopen=true", json={"content": "still here"})
    assert written.status_code == 201, written.text
    assert target.api.messages(conversation)[-1]["content"] == "still here"
