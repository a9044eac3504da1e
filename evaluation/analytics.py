"""`python -m evaluation.analytics FILE`: every number that is shown, computed again from raw rows.

A hub is started for it, filled with the demo's two months (three organizations in as many time
zones, with markup) and the conversations of FILE. What the API, the daily reports and the pages say
is then compared with plain Python over the raw tables: counts, tokens, money and quotients to the
last digit, percentiles within 1 %. Exit status 1 when a number differs.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from evaluation.analytics_answer_usage import FILTERS, GROUPINGS
from evaluation.analytics_answers import Answers
from evaluation.analytics_hub import Running, running_hub
from evaluation.analytics_ledger import Ledger
from evaluation.analytics_reports import Reports, check_scores
from evaluation.analytics_rows import Rows

_FOREIGN = ("UTC", "Asia/Kolkata", "America/New_York", "Pacific/Chatham")
_SOME = ("", "day", "hour,model", "week,source", "user,month")
_QUARTER = 900
_OPERATOR = "operator"
_REPORT_PAGES = 5


def main() -> int:
    """Compare everything; 1 when something differs."""
    parser = argparse.ArgumentParser(prog="evaluation.analytics", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--scale", type=float, default=1.0, help="how many demo conversations")
    parser.add_argument("--wrong", type=Path, help="a file for all that differs")
    args = parser.parse_args()
    ledger = Ledger()
    asyncio.run(_compare(args.file.resolve(), args.scale, ledger))
    if args.wrong:
        args.wrong.write_text(
            "".join(f"{what}: {line}\n" for what, all_ in ledger.wrong.items() for line in all_)
        )
    ledger.show()
    return 0 if ledger.is_right else 1


async def _compare(conversations: Path, scale: float, ledger: Ledger) -> None:
    async with running_hub(conversations, scale=scale) as hub:
        rows = await hub.rows()
        print(
            f"{len(rows.organizations)} organizations, {len(rows.conversations):,} conversations, "
            f"{len(rows.messages):,} messages, {len(rows.calls):,} calls"
        )
        await _check_lists(hub, rows, ledger)
        await _check_reports(hub, rows, ledger)
        await hub.sign_in()
        await _check_live(hub, ledger)
        await hub.run_jobs("engagement")  # of what was stored since
        rows = await hub.rows()
        for name in (*hub.organizations, None):
            organization, zone = hub.organizations.get(name or "", (None, "UTC"))
            await _check_answers(
                Answers(hub.ask(name), hub.read(name), rows, ledger, organization, zone,
                        name or _OPERATOR)
            )  # fmt: skip
            await _check_pages(hub, name, rows, ledger)


async def _check_lists(hub: Running, rows: Rows, ledger: Ledger) -> None:
    """What the lists of the API tell are the rows that all else is compared with."""
    for name, (organization, _) in hub.organizations.items():
        calls = {
            str(row["id"]): row for row in rows.calls if row["organization_id"] == organization
        }
        found = {call["id"]: call for call in await hub.list_all(name, "/v1/calls")}
        ledger.keys("lists", f"{name} calls", found, calls)
        for id_, row in calls.items():
            call = found.get(id_) or {}
            for column in ("model", "provider", "module", "cost", "price", "latency_ms", "error"):
                ledger.equal("lists", f"{name} {id_} {column}", call.get(column), row[column])
        stored = [row for row in rows.conversations if row["organization_id"] == organization]
        talks = {c["id"]: c for c in await hub.list_all(name, "/v1/conversations")}
        ledger.keys("lists", f"{name} conversations", talks, {str(row["id"]) for row in stored})
        for row in stored:
            talk = talks.get(str(row["id"])) or {}
            for column in ("module", "source", "message_count"):
                ledger.equal("lists", f"{name} {row['id']} {column}", talk.get(column), row[column])


async def _check_reports(hub: Running, rows: Rows, ledger: Ledger) -> None:
    """Every report; then a late call and late feedback, and the versions that they make."""
    await hub.run_jobs("reports.due", "engagement")
    for name, (organization, zone) in hub.organizations.items():
        reports = Reports(hub.ask(name), hub.read(name), rows, ledger, organization, zone, name)
        known = await reports.list_ids()
        for report in known:
            await reports.check(report["id"])
        day = date.fromisoformat(known[len(known) // 2]["day"])
        await hub.come_late(name, rows, reports.noon(day))
    check_scores(await hub.scores(), rows, ledger)
    await hub.wait()
    await hub.run_jobs("reports.refresh")
    later = await hub.rows()
    for name, (organization, zone) in hub.organizations.items():
        reports = Reports(hub.ask(name), hub.read(name), later, ledger, organization, zone, name)
        changed = [one for one in await reports.list_ids("all") if one["version"] > 1]
        ledger.equal("reports", f"{name}: a version for what came late", bool(changed), True)  # noqa: FBT003
        for report in changed:
            await reports.check(report["id"])


async def _check_live(hub: Running, ledger: Ledger) -> None:
    """Of calls that were just made."""
    for name in hub.organizations:
        await hub.call_now(name)
    await hub.wait()
    rows = await hub.rows()
    for name in (*hub.organizations, None):
        organization, zone = hub.organizations.get(name or "", (None, "UTC"))
        label = name or _OPERATOR
        answers = Answers(hub.ask(name), hub.read(name), rows, ledger, organization, zone, label)
        await answers.check_realtime()

        async def live(now: datetime, own: Ledger, name: str | None = name) -> None:
            board = await hub.board(name, rows, own, now)
            before = board.live()
            await board.check_live_tiles(**({"scope": "all"} if name is None else {}))
            board.now = datetime.now(UTC)
            if board.live() != before:
                raise Moved

        await _steadily(ledger, live)


async def _check_answers(answers: Answers) -> None:
    for groups in GROUPINGS:
        # users of different organizations may have one name
        is_ambiguous = answers.organization is None and "user" in groups
        if not is_ambiguous or "organization" in groups:
            await _check_grouping(answers, groups)
    for zone in _FOREIGN:
        for groups in ("model", "hour,provider", "day,module"):
            await answers.check_times(groups, zone)
    for filters in FILTERS:
        for groups in ("day", "model", "module", "month,source"):
            await answers.check_usage(groups, **filters)
    await _check_people(answers)
    for zone in (None, *_FOREIGN):
        await answers.check_executive(zone)
        await answers.check_operational(zone)
        await answers.check_financial(zone)


async def _check_grouping(answers: Answers, groups: str) -> None:
    await answers.check_usage(groups)
    if groups in _SOME:
        await answers.check_usage(groups, days=7, ago=3)
    for zone in _FOREIGN if groups in _SOME else _FOREIGN[:2]:
        await answers.check_usage(groups, zone=zone, days=20)


async def _check_people(answers: Answers) -> None:
    for grain in ("day", "week", "month"):
        await answers.check_satisfaction(grain)
        await answers.check_satisfaction(grain, module="support", days=14)
        await answers.check_satisfaction(grain, source="web", zone="Asia/Kolkata", days=14)
    for days in (1, 7, 30, 60):
        await answers.check_engagement(days=days)
        await answers.check_adoption(days=days)
        await answers.check_adoption("intents", days=days)
    for weeks in (1, 4, 12, 53):
        await answers.check_retention(weeks)


async def _check_pages(hub: Running, name: str | None, rows: Rows, ledger: Ledger) -> None:
    async def home(now: datetime, own: Ledger) -> None:
        await (await hub.board(name, rows, own, now)).check_home()

    async def operations(now: datetime, own: Ledger) -> None:
        board = await hub.board(name, rows, own, now)
        for period in ("24h", "today", "7d"):
            await board.check_operations(period)
            await board.check_operations(period, module="support")
            await board.check_operations(period, model="gpt-4o")

    async def finance(now: datetime, own: Ledger) -> None:
        board = await hub.board(name, rows, own, now)
        begins, ends = board.today - timedelta(days=40), board.today - timedelta(days=11)
        for period in ("month", "today", "7d", "30d", "90d", "last_month", f"{begins}/{ends}"):
            await board.check_finance(period)
            await board.check_finance(period, module="support")
            await board.check_finance(period, model="gpt-4o")

    async def insight(now: datetime, own: Ledger) -> None:
        board = await hub.board(name, rows, own, now)
        for period in ("30d", "today", "7d", "90d", "month", "last_month"):
            await board.check_insight(period)
            await board.check_insight(period, module="support")

    pages: list[Callable[[datetime, Ledger], Awaitable[None]]] = [operations, finance, insight]
    if name is not None:  # Home is of one organization
        pages.append(home)
    for page in pages:
        await _steadily(ledger, page)
    if name is not None:
        board = await hub.board(name, rows, ledger, datetime.now(UTC))
        listed = await hub.ask(name)("/v1/reports", limit=_REPORT_PAGES)
        for report in listed["items"]:
            await board.check_report(report["id"], date.fromisoformat(report["day"]))


class Moved(Exception):
    """The numbers went on while they were looked at."""


async def _steadily(ledger: Ledger, check: Callable[[datetime, Ledger], Awaitable[None]]) -> None:
    """Check within a quarter of an hour: yesterday "until the same time" moves with it."""
    while True:
        own, now = Ledger(), datetime.now(UTC)
        try:
            await check(now, own)
        except Moved:
            continue
        if now.timestamp() // _QUARTER == datetime.now(UTC).timestamp() // _QUARTER:
            ledger.take(own)
            return


if __name__ == "__main__":
    sys.exit(main())
