"""The whole application and the cast of the conversations' tests: the book is one for all."""

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from aihub.main import Hub

from ..conversations.conftest import (  # noqa: F401 - fixtures
    Cast,
    Person,
    ada,
    cast,
    cleo,
    client,
    connection,
    dsn,
    fixture,
    lasting,
    run,
)

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture
def olga(cast: Cast) -> Person:  # noqa: F811
    """The operator."""
    return cast.olga


@lasting
async def hub(client: Any) -> Hub:  # noqa: F811
    """The hub behind the client."""
    found = client._transport.app.state.hub
    assert isinstance(found, Hub)
    return found
