"""Requests as a product sends them, made before the clock starts."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

from aihub.kit.ids import uuid7
from bench.loading import request

_TEXT = (
    "please show how we can move our plan to yearly billing keep every seat and see what changes "
    "on the next invoice before it is sent because accounting wants one document for each quarter"
)
_WORDS = _TEXT.split()
_MODELS = (
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-4o"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("google", "gemini-2.5-flash"),
)


class Bodies:
    """Requests with random texts, the same ones for the same seed."""

    def __init__(self, key: str, seed: int = 1) -> None:
        self._headers = {"Authorization": f"Bearer {key}"}
        self._random = random.Random(seed)

    def conversation(self) -> bytes:
        """POST /v1/conversations: a session of one of 2,000 users."""
        body = {
            "user_id": f"user-{self._random.randrange(2000):04d}",
            "source": "web",
            "module": self._random.choice(("billing", "support", "sales", "onboarding")),
            "intent_chain": ["greeting"],
            "metadata": {"locale": "de-DE", "app": "web-4.2"},
        }
        return self._post("/v1/conversations", body)

    def conversations(self) -> Iterator[bytes]:
        """Without end."""
        while True:
            yield self.conversation()

    def message(self, conversation: str) -> bytes:
        """POST …/messages: an answer of a model, priced."""
        return self._post(f"/v1/conversations/{conversation}/messages", self._turn())

    def batch(self, conversations: list[str], size: int) -> bytes:
        """POST /v1/batch: `size` messages, ten in a row to each conversation."""
        chosen = self._random.sample(conversations, max(1, size // 10))
        events = [
            {
                "type": "message",
                "id": str(uuid7()),
                "body": {"conversation_id": chosen[n * len(chosen) // size], **self._turn()},
            }
            for n in range(size)
        ]
        return self._post("/v1/batch", {"events": events})

    def yardstick_call(self) -> bytes:
        """POST /v1/calls of the yardstick: a question and its answer, priced."""
        now = datetime.now(UTC).isoformat()
        turn = self._turn()
        body = {
            "id": str(uuid4()),
            "conversation_id": str(uuid4()),
            "conversation_started_at": now,
            "user_id": f"user-{self._random.randrange(2000):04d}",
            "model": "gpt-4o-mini",
            "started_at": now,
            "latency_ms": 900,
            "input_tokens": 120,
            "output_tokens": 180,
            "input": turn["content"],
            "output": turn["content"],
        }
        return self._post("/v1/calls", body)

    def _turn(self) -> dict[str, object]:
        provider, model = self._random.choice(_MODELS)
        return {
            "role": "assistant",
            "content": " ".join(self._random.choices(_WORDS, k=130)),
            "provider": provider,
            "model": model,
            "usage": {
                "input_tokens": self._random.randint(50, 4_000),
                "output_tokens": self._random.randint(20, 900),
            },
            "latency_ms": self._random.randint(300, 6_000),
        }

    def _post(self, path: str, body: object) -> bytes:
        return request("POST", path, self._headers, json.dumps(body).encode())
