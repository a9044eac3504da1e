"""Every page as it is rendered: well-formed, within the policy, and with the right answer."""

import pytest


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conversations",
        "/conversations?status=completed&from=2020-01-01",
        "/conversations?from=x",
        "/conversations?cursor=nonsense",
        "/conversations?user=nobody-like-this",
        "/conversations/x",
    ],
)
async def test_every_page_is_well_formed_and_within_the_policy(ada, check, path):
    answer = await ada.get(path)
    assert check(answer.text) == []
    print(answer.status_code, answer.elapsed, len(answer.text))
