"""Many writers at once: nothing is lost, counted twice or numbered twice."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from aihub.kit.ids import uuid7

from .conftest import Cast, Person, Run, fixture

WRITERS = 32
PRICE = Decimal("0.00003")  # of a token of gpt-4, in

Work = Callable[[int], Awaitable[None]]


@fixture
async def deadlocks(connection: Any) -> Callable[[], Awaitable[int]]:
    """How many there were since the test began."""

    async def count() -> int:
        await connection.execute("select pg_stat_clear_snapshot()")
        found: int = await connection.fetchval(
            "select deadlocks from pg_stat_database where datname = current_database()"
        )
        return found

    before = await count()

    async def since() -> int:
        return await count() - before

    return since


async def _by_writers(work: Work) -> None:
    await asyncio.gather(*(work(number) for number in range(WRITERS)))


async def _check(connection: Any, person: Person) -> None:
    """Totals are the sums of what is stored, numbers have no gap: of every conversation."""
    wrong = await connection.fetch(
        """
        select c.id from public.ai_conversations c
        left join lateral (
          select count(*) as n, coalesce(min(seq), 1) as first, coalesce(max(seq), 0) as last,
            count(distinct seq) as seqs
          from public.ai_messages m where m.conversation_id = c.id) m on true
        left join lateral (
          select coalesce(sum(total_tokens), 0) as tokens, coalesce(sum(cost), 0) as cost,
            count(*) filter (where cost_status = 'unpriced') as unpriced
          from public.ai_calls k where k.conversation_id = c.id) k on true
        where c.organization_id = $1 and (c.message_count, c.total_tokens, c.total_cost,
          c.unpriced_calls, 1, m.n, m.n) is distinct from (m.n, k.tokens, k.cost, k.unpriced,
          m.first, m.last, m.seqs)
        """,
        person.organization,
    )
    assert wrong == []


async def test_writers_on_one_conversation(
    ada: Person, conversation: str, connection: Any, deadlocks: Any
) -> None:
    async def write(number: int) -> None:
        for turn in range(10):
            await ada.say(conversation, f"{number}.{turn}", model="gpt-4", tokens=number + turn)

    await _by_writers(write)
    tokens = sum(number + turn for number in range(WRITERS) for turn in range(10))
    found = await ada.read(conversation, include="messages")
    assert found["message_count"] == 320
    assert (found["total_tokens"], found["total_cost"]) == (tokens, tokens * PRICE)
    assert [m["seq"] for m in found["messages"]] == list(range(1, 321))
    assert len({m["content"] for m in found["messages"]}) == 320
    for number in range(WRITERS):  # each writer's own come in its order
        own = [m["content"] for m in found["messages"] if m["content"].startswith(f"{number}.")]
        assert own == [f"{number}.{turn}" for turn in range(10)]
    await _check(connection, ada)
    assert await deadlocks() == 0


async def test_writers_on_a_thousand_conversations_at_two_hubs(
    ada: Person, run: Run, connection: Any, deadlocks: Any
) -> None:
    ids = [str(uuid7()) for _ in range(1_000)]
    conversations = [{"type": "conversation", "body": {"user_id": "u", "id": id_}} for id_ in ids]
    await ada.post("/batch", {"events": conversations})

    def event(id_: str, kind: int, turn: int) -> dict[str, Any]:
        about = {"conversation_id": id_}
        if kind == 0:
            call = {"provider": "openai", "model": "gpt-4", "api": "x", "tokens": 3}
            return {"type": "call", "body": call | about}
        if kind == 1:
            return {"type": "feedback", "body": {"score": turn % 6} | about}
        if kind == 2:
            return {"type": "update", "body": {"metadata": {f"k{turn}": turn}} | about}
        message = {"content": "x", "model": "gpt-4", "tokens": 2}
        return {"type": "message", "body": message | about}

    async with run() as other:
        hubs = [ada, ada.over(other)]

        async def write(number: int) -> None:
            dice = random.Random(number)
            for turn in range(3):
                chosen = dice.sample(ids, 40)
                events = [event(id_, dice.randrange(6), turn) for id_ in chosen]
                reply = await hubs[number % 2].post("/batch", {"events": events})
                statuses = Counter(result["status"] for result in reply["results"])
                assert set(statuses) <= {200, 201}
                await hubs[turn % 2].say(chosen[0], model="gpt-4", tokens=1)

        await _by_writers(write)
    await _check(connection, ada)
    assert await deadlocks() == 0


async def test_writers_on_the_same_few_in_any_order(
    ada: Person, run: Run, connection: Any, deadlocks: Any
) -> None:
    """Every batch touches every conversation, in another order and by several statements."""
    ids = [await ada.converse() for _ in range(6)]
    orders = list(itertools.permutations(ids))

    async with run() as other:
        hubs = [ada, ada.over(other)]

        async def write(number: int) -> None:
            events: list[dict[str, Any]] = []
            for turn, id_ in enumerate(orders[number * 22]):
                about = {"conversation_id": id_}
                if turn % 2:
                    events.append({"type": "feedback", "body": {"score": 5} | about})
                else:
                    events.append({"type": "message", "body": {"content": "x"} | about})
                events.append({"type": "update", "body": {"module": f"m{number}"} | about})
            reply = await hubs[number % 2].post("/batch", {"events": events})
            assert {result["status"] for result in reply["results"]} <= {200, 201}

        await _by_writers(write)
    await _check(connection, ada)
    assert await deadlocks() == 0


async def test_racing_retries_at_two_hubs_store_once(
    ada: Person, run: Run, conversation: str, connection: Any
) -> None:
    ids = [str(uuid7()) for _ in range(20)]
    async with run() as other:
        hubs = [ada, ada.over(other)]

        async def write(number: int) -> None:
            for id_ in random.Random(number).sample(ids, len(ids)):
                hub = hubs[number % 2]
                await hub.say(conversation, id_, id=id_, model="gpt-4", tokens=10)

        await asyncio.gather(*(write(number) for number in range(8)))
    found = await ada.read(conversation)
    assert (found["message_count"], found["total_tokens"]) == (20, 200)
    assert found["total_cost"] == 200 * PRICE
    await _check(connection, ada)


async def test_racing_moves_have_one_winner(ada: Person, run: Run, conversation: str) -> None:
    async with run() as other:
        hubs = [ada, ada.over(other)]
        replies = await asyncio.gather(
            *(
                hubs[number % 2].ask("POST", f"/conversations/{conversation}/pause")
                for number in range(16)
            )
        )
    assert sorted(reply.status for reply in replies) == [200] + [409] * 15
    moves = await ada.get(f"/conversations/{conversation}/transitions")
    assert len(moves["items"]) == 1


async def test_racing_scores_have_an_exact_mean(ada: Person, conversation: str) -> None:
    path = f"/conversations/{conversation}/feedback"
    scores = [number % 6 for number in range(WRITERS)]
    await asyncio.gather(*(ada.post(path, {"score": score}) for score in scores))
    mean = round(Decimal(sum(scores)) / WRITERS, 2)
    assert (await ada.read(conversation))["satisfaction_score"] == mean


async def test_erasure_among_writers_leaves_nothing(
    ada: Person, conversation: str, connection: Any
) -> None:
    async def write(number: int) -> None:
        path = f"/conversations/{conversation}/messages"
        body = {"content": "secret", "model": "gpt-4", "tokens": 1}
        if number == WRITERS // 2:
            assert (await ada.ask("DELETE", f"/conversations/{conversation}")).status == 204
        else:
            assert (await ada.ask("POST", path, body)).status in (201, 404)

    await _by_writers(write)
    left = "select count(*) from public.ai_messages where conversation_id = $1"
    assert await connection.fetchval(left, conversation) == 0
    owned = "select count(*) from public.ai_calls where conversation_id = $1"
    assert await connection.fetchval(owned, conversation) == 0


async def test_a_write_that_does_not_commit_is_not_acknowledged(
    cast: Cast, conversation: str, connection: Any
) -> None:
    """The database refuses at the commit itself, for one message of a group."""
    await connection.execute(
        """
        create function public.refuse() returns trigger language plpgsql as
          $$ begin raise exception 'no' using errcode = 'integrity_constraint_violation'; end $$;
        create constraint trigger refuse after insert on public.ai_messages
          deferrable initially deferred for each row when (new.content = 'refuse me')
          execute function public.refuse();
        """
    )
    try:
        path = f"/conversations/{conversation}/messages"
        contents = ["1", "refuse me", "2", "refuse me"]
        replies = await asyncio.gather(
            *(cast.ada.ask("POST", path, {"content": content}) for content in contents)
        )
    finally:
        await connection.execute(
            "drop trigger refuse on public.ai_messages; drop function public.refuse()"
        )
    assert [reply.status for reply in replies] == [201, 500, 201, 500]
    found = await cast.ada.read(conversation, include="messages")
    assert sorted(m["content"] for m in found["messages"]) == ["1", "2"]
    assert [m["seq"] for m in found["messages"]] == [1, 2]


async def test_a_client_that_leaves_disturbs_nobody(ada: Person, conversation: str) -> None:
    tasks = [asyncio.create_task(ada.say(conversation, f"{n}")) for n in range(20)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    stayed = {f"{n}" for n in range(20) if not tasks[n].cancelled()}
    found = await ada.read(conversation, include="messages")
    assert stayed <= {m["content"] for m in found["messages"]}
    assert [m["seq"] for m in found["messages"]] == list(range(1, found["message_count"] + 1))


async def test_without_a_database_nothing_is_acknowledged(
    ada: Person, run: Run, conversation: str, connection: Any
) -> None:
    """Its connections are killed under way: each request is stored, or told to be tried again."""

    hubs = "from pg_stat_activity where application_name = 'aihub' and pid <> all ($1::integer[])"
    others = [row["pid"] for row in await connection.fetch(f"select pid {hubs}", [])]

    async def kill() -> None:
        for _ in range(5):
            await connection.execute(f"select pg_terminate_backend(pid) {hubs}", others)

    ids = [str(uuid7()) for _ in range(60)]
    path = f"/conversations/{conversation}/messages"
    async with run() as client:
        person = ada.over(client)
        replies, _ = await asyncio.gather(
            asyncio.gather(*(person.ask("POST", path, {"content": "x", "id": id_}) for id_ in ids)),
            kill(),
        )
    found = await connection.fetch(
        "select id::text from public.ai_messages where conversation_id = $1", conversation
    )
    stored = {row["id"] for row in found}
    assert {reply.status for reply in replies} <= {201, 503}
    assert {id_ for id_, r in zip(ids, replies, strict=True) if r.status == 201} <= stored
    for id_ in ids:
        await ada.say(conversation, "x", id=id_)
    assert (await ada.read(conversation))["message_count"] == 60
