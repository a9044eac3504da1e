"""How to send the first conversation, ready to be copied."""

from dataclasses import dataclass

_CURL = """\
curl {base_url}/v1/conversations \\
  -H "Authorization: Bearer ahk_..." \\
  -H "Content-Type: application/json" \\
  -d '{{"user_id": "user_456", "module": "support"}}'"""

_PYTHON = """\
from aihub.client import Hub

hub = Hub("{base_url}", api_key="ahk_...")
conversation = hub.create_conversation(user_id="user_456", module="support")
hub.add_message(conversation.id, content="Where is my order?")
hub.add_message(
    conversation.id,
    role="assistant",
    content="On its way: it arrives on Friday.",
    model="gpt-4",
    tokens=150,
)"""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code in a `language`."""

    language: str
    code: str


def first_call(base_url: str) -> list[Snippet]:
    """The first conversation of a hub at `base_url`."""
    return [
        Snippet("curl", _CURL.format(base_url=base_url)),
        Snippet("Python", _PYTHON.format(base_url=base_url)),
    ]
