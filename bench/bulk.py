"""A million messages by SQL alone: two hundred organizations by Zipf, six months."""

from pathlib import Path

from bench.hosting import Home

ORGANIZATIONS = 200
MONTHS = 6

_FILL = (Path(__file__).parent / "fill.sql").read_text()

_LONG = """
select string_agg(p.id || ' zipf-' || p.k, ',') from (
  select * from public.bench_plan where messages = 50 and k <= 20 limit 100) p
"""


def fill(home: Home, conversations: int) -> int:
    """Store ten messages for each of so many conversations; how many messages that made."""
    text = _FILL.format(
        orgs=ORGANIZATIONS, months=MONTHS, back=MONTHS - 1, conversations=conversations
    )
    made = int(home.sql(text))
    vacuum(home)
    return made


def vacuum(home: Home) -> None:
    """What autovacuum would have done by the time that so much has come in."""
    for table in ("ai_conversations", "ai_messages", "ai_users"):
        home.sql(f"vacuum (analyze) public.{table}")
    home.sql("checkpoint")


def long_conversations(home: Home) -> list[tuple[str, str]]:
    """(id, organization) of conversations with fifty messages."""
    found = []
    for pair in str(home.sql(_LONG)).split(","):
        conversation, organization = pair.split(" ")
        found.append((conversation, organization))
    return found
