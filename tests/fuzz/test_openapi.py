"""Schemathesis over the OpenAPI document: whatever is sent, right or wrong, no endpoint fails."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from aihub.main import openapi_document

from .conftest import Target

USUAL_COUNT = 1_300
SCHEMA = schemathesis.openapi.from_dict(openapi_document())
ENDLESS = {"GET /v1/realtime/stream"}  # it has tests of its own
OPERATIONS = [
    found for result in SCHEMA.get_all_operations() if (found := result.ok()).label not in ENDLESS
]


@pytest.fixture(scope="module")
def session(target: Target) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {target.api.key}"
        yield session


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_no_endpoint_fails(
    operation: Any,
    mode: GenerationMode,
    target: Target,
    session: requests.Session,
    fuzz_count: int | None,
) -> None:
    count = max(1, (fuzz_count or USUAL_COUNT) // (2 * len(OPERATIONS)))
    if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
        pytest.skip("takes nothing that could be wrong")
    chance = random.Random(operation.label)
    found: Counter[int] = Counter()
    conversation = target.make_conversation()  # an earlier test may have deleted another

    @settings(
        max_examples=count,
        derandomize=fuzz_count is None,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attack(case: schemathesis.Case) -> None:
        if "id" in case.path_parameters and chance.random() < 0.7:  # else nothing is ever found
            case.path_parameters["id"] = target.call if "calls" in operation.path else conversation
        headers = dict(case.headers or {})
        if chance.random() < 0.9:
            headers["X-Organization-Id"] = "org_123"
        case.headers = headers
        answer = case.call(base_url=target.hub.url, session=session, timeout=30)
        found[answer.status_code] += 1
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"

    attack()
    print(dict(sorted(found.items())))
    assert target.hub.is_ready()


def _can_be_wrong(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)
