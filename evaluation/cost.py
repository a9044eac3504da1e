"""`python -m evaluation.cost FILE…`: recorded provider answers against what they cost.

Each case goes over HTTP through `POST /v1/calls` of a hub that is started for it. Right means
within 1 % of the expected cost (the case's own `tolerance` instead where it has one), and exactly 0
where that is expected; tokens are compared too. Exit status 1 when a case is wrong.
"""

import argparse
import http.client
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.hosting import Home, Process

from aihub.kit.decoding import encode_json

_TOLERANCE = Decimal("0.01")
_TOKENS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached_input": "cached_input_tokens",
    "reasoning": "reasoning_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "audio_input": "input_audio_tokens",
    "image_output": "output_image_tokens",
    "web_searches": "web_searches",
    "search_units": "search_units",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case; `wrong` says in words what is not right, if anything."""

    name: str
    provider: str
    expected: Decimal
    call: dict[str, Any]
    wrong: tuple[str, ...]


def main() -> int:
    """Judge every case of the files; 1 when one is wrong."""
    parser = argparse.ArgumentParser(prog="evaluation.cost", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--verbose", action="store_true", help="show the right ones, too")
    args = parser.parse_args()
    cases = [case for path in args.files for case in _read(path)]
    home = Home()
    hub: Process | None = None
    try:
        home.open()
        home.run("org", "create", "evaluation")
        key = home.run("keys", "create", "--organization", "evaluation")
        hub = home.serve()
        verdicts = list(_judge(cases, hub.port, key))
    finally:
        if hub is not None:
            hub.stop()
        home.close()
    return _show(verdicts, is_verbose=args.verbose)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line, parse_float=Decimal)


def _judge(cases: list[dict[str, Any]], port: int, key: str) -> Iterator[Verdict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for case in cases:
        body = {
            "provider": case["provider"],
            "model": case["model"],
            "api": case["api"],
            "occurred_at": case["timestamp"],
            "context": case["context"],
            "response": case["response_usage"],
        }
        connection.request("POST", "/v1/calls", encode_json(body), headers)
        answer = connection.getresponse()
        call = json.loads(answer.read(), parse_float=Decimal)
        wrong = [f"HTTP {answer.status}: {call}"] if answer.status != 201 else _compare(case, call)  # noqa: PLR2004
        expected = Decimal(case["expected_cost_usd"])
        yield Verdict(case["id"], case["provider"], expected, call, tuple(wrong))


def _compare(case: dict[str, Any], call: dict[str, Any]) -> list[str]:
    wrong = []
    expected = Decimal(case["expected_cost_usd"])
    tolerance = Decimal(str(case.get("tolerance") or _TOLERANCE))
    if call["cost"] is None:
        wrong.append(f"unpriced: {call['cost_note']}")
    else:
        cost = Decimal(call["cost"])
        is_right = cost == 0 if expected == 0 else abs(cost - expected) <= expected * tolerance
        if not is_right:
            wrong.append(f"costs {expected}, not {cost}")
        if cost != sum(Decimal(line["amount"]) for line in call["cost_lines"]):
            wrong.append("the lines do not add up")
    if case.get("tolerance") is None:
        wrong += _compare_tokens(case.get("expected_tokens") or {}, call["usage"] or {})
    return wrong


def _compare_tokens(expected: dict[str, Any], usage: dict[str, Any]) -> Iterator[str]:
    found = {name: usage.get(key, 0) for name, key in _TOKENS.items()}
    found["cache_write"] = sum(usage.get(f"cache_write_{kind}_tokens", 0) for kind in ("5m", "1h"))
    if not usage.get("input_tokens") and not usage.get("output_tokens"):
        found["input"] = usage.get("total_tokens", 0)  # a total with no split
    for name, count in found.items():
        if name in expected and expected[name] != count:
            yield f"{name} is {expected[name]}, not {count}"


def _show(verdicts: list[Verdict], *, is_verbose: bool) -> int:
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    for verdict in verdicts if is_verbose else wrong:
        call = verdict.call
        print(
            f"{'WRONG' if verdict.wrong else 'right'} {verdict.name}: {verdict.expected} expected, "
            f"{call.get('cost')} {call.get('cost_status')} ({call.get('cost_note')}) "
            f"{'; '.join(verdict.wrong)}"
        )
    for provider, count in sorted(Counter(verdict.provider for verdict in verdicts).items()):
        bad = sum(verdict.provider == provider for verdict in wrong)
        print(f"{provider:12} {count - bad:4} of {count:4}")
    print(f"{'all':12} {len(verdicts) - len(wrong):4} of {len(verdicts):4} right")
    return 1 if wrong or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
