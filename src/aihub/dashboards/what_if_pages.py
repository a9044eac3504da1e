"""What if: last month's calls under a proposed rule, or without one, before anything is saved.

The work goes on after the request that began it, one at a time, and its page tells how far it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from aihub.dashboards import csv_files, listing, what_if_views
from aihub.dashboards.jobs import Job, Jobs
from aihub.dashboards.markup_forms import RuleForm
from aihub.dashboards.markup_words import Terms, describe_terms, is_below_cost
from aihub.dashboards.operators import read_uuid, require_operator
from aihub.dashboards.rendering import Renderer
from aihub.dashboards.sign_in import see_other
from aihub.dashboards.visits import Visit, read_form
from aihub.kit.db import Database
from aihub.kit.errors import NotFound
from aihub.markup.api import RuleDraft, RuleNotFound, WhatIf, list_versions, what_if

MONTHS = 6
MOST_ROWS = 200
_KEPT = 20
_KEY = "what-if"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `draft`, as typed in `values`, or the rule `without`; in which month."""

    month: str
    rule_key: str
    organization: str | None = None
    draft: RuleDraft | None = None
    values: dict[str, str] | None = None

    @property
    def terms(self) -> Terms | None:
        """What the proposed rule charges; None: the rule would end."""
        return None if self.draft is None else describe_terms(self.draft)

    @property
    def is_below_cost(self) -> bool:
        """Whether the proposal itself sells below cost."""
        return self.draft is not None and is_below_cost(self.draft)


class WhatIfPages:
    """The pages, with the work that they started."""

    def __init__(self, db: Database, renderer: Renderer) -> None:
        self._db = db
        self._renderer = renderer
        self.jobs = Jobs(at_once=1, kept=_KEPT)

    def running(self) -> Job | None:
        """The one that is under way."""
        return self.jobs.running()

    def form_of(self, job_id: str) -> RuleForm | None:
        """The form that a question was asked with, to be changed."""
        found = read_uuid(job_id)
        job = self.jobs.find(found) if found is not None else None
        values = None if job is None else job.about.values
        return None if values is None else RuleForm(dict(values))

    def start(self, visit: Visit, form: RuleForm, draft: RuleDraft) -> Response:
        """Ask about a draft; its page follows. Raises Busy."""
        month = _read_month(form.values.get("month", ""), visit.now)
        return self._start(
            visit, Question(month, draft.rule_key, draft.organization, draft, form.values)
        )

    async def ask_without(self, visit: Visit) -> Response:
        """Ask what a month would have come to without a rule. Raises RuleNotFound, Busy."""
        require_operator(visit)
        given = await read_form(visit.request)
        key = given.get("without", "")
        if "\x00" in key:
            raise RuleNotFound
        async with self._db.read() as connection:
            (last, *_) = await list_versions(connection, key)
        month = _read_month(given.get("month", ""), visit.now)
        return self._start(visit, Question(month, last.rule_key, last.organization))

    def _start(self, visit: Visit, question: Question) -> Response:
        async def work(job: Job) -> WhatIf:
            async with self._db.read() as connection:
                return await what_if(
                    connection,
                    month=question.month,
                    drafts=[] if question.draft is None else [question.draft],
                    without=[question.rule_key] if question.draft is None else [],
                    organization=question.organization,
                    progress=job.tell,
                )

        job = self.jobs.start(_KEY, work, started_by=visit.principal.actor, about=question)
        return see_other(f"/markup/what-if/{job.id}")

    async def show(self, visit: Visit) -> Response:
        """How far it is; then what it found. Raises NotFound for one that is forgotten."""
        job = self._find(visit)
        way = visit.request.query_params.get("by", "")
        if way not in what_if_views.WAYS:
            way = "organization" if job.about.organization is None else "model"
        context: dict[str, Any] = {"job": job, "question": job.about, "way": way}
        if isinstance(job.result, WhatIf):
            context |= _describe(job, job.result, way)
        return self._renderer.page(
            visit.request,
            "what_if.html",
            context,
            visit=visit,
            status=200 if job.error is None else job.error.status,
        )

    async def send_csv(self, visit: Visit) -> Response:
        """What it found as a file: a line an organization, module and model."""
        job = self._find(visit)
        if not isinstance(job.result, WhatIf):
            raise NotFound("This what-if has no result (yet).")
        return Response(
            csv_files.write_table(what_if_views.list_cells(job.result)),
            media_type="text/csv; charset=utf-8",
            headers=listing.csv_headers(f"what-if-{job.result.month}", visit.local(visit.now)),
        )

    async def send_months(self, visit: Visit) -> Response:
        """What months with tiers, allowances, minimums or caps would come to, as a file."""
        job = self._find(visit)
        if not isinstance(job.result, WhatIf):
            raise NotFound("This what-if has no result (yet).")
        return Response(
            csv_files.write_table(what_if_views.list_months(job.result)),
            media_type="text/csv; charset=utf-8",
            headers=listing.csv_headers(f"what-if-months-{job.result.month}", visit.now),
        )

    def _find(self, visit: Visit) -> Job:
        require_operator(visit)
        job_id = read_uuid(visit.request.path_params["id"])
        job = self.jobs.find(job_id) if job_id is not None else None
        if job is None:
            raise NotFound(
                f"This what-if is gone: the last {_KEPT} are kept, until the hub starts anew. "
                "Ask it again from the form of the rule."
            )
        return job


def list_months(now: datetime) -> list[str]:
    """The months that one may ask about, last month first: 2026-10."""
    months: list[str] = []
    first = now.replace(day=1)
    for _ in range(MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
        months.append(f"{first:%Y-%m}")
    return months


def _read_month(text: str, now: datetime) -> str:
    months = list_months(now)
    return text if text in months else months[0]


def _describe(job: Job, found: WhatIf, way: str) -> dict[str, Any]:
    rows = what_if_views.group_lines(found.lines, way)
    return {
        "found": found,
        "total": what_if_views.total_of(found),
        "headings": what_if_views.list_headings(way),
        "rows": rows[:MOST_ROWS],
        "left_out": max(0, len(rows) - MOST_ROWS),
        "losing": sum(row.margin < 0 for row in rows),
        "ways": _link_ways(job, way),
        "csv_url": f"/markup/what-if/{job.id}/result.csv",
    }


def _link_ways(job: Job, way: str) -> Sequence[dict[str, Any]]:
    return [
        {"title": title, "url": f"/markup/what-if/{job.id}?by={name}", "is_shown": name == way}
        for name, title in what_if_views.WAYS.items()
    ]
