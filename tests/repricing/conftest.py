"""The whole application and its cast, as in the tests of prices."""

from pathlib import Path

import pytest
import pytest_asyncio

from ..prices.conftest import (  # noqa: F401 - fixtures
    Cast,
    Person,
    cast,
    client,
    connection,
    dsn,
    hub,
    run,
)

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
