"""Places to run hubs in; one hub that runs for all tests that kill nothing."""

from collections.abc import Iterator

import pytest

from .processes import Api, HubProcess, Place


@pytest.fixture
def place() -> Iterator[Place]:
    """A place of the test's own, empty."""
    made = Place.make()
    yield made
    made.clear()


@pytest.fixture(scope="session")
def shared_place() -> Iterator[Place]:
    made = Place.make()
    yield made
    made.clear()


@pytest.fixture(scope="session")
def hub(shared_place: Place) -> HubProcess:
    """`aihub serve`, shared."""
    return shared_place.serve()


@pytest.fixture(scope="session")
def operator_key(shared_place: Place, hub: HubProcess) -> str:
    return shared_place.key("--operator")


@pytest.fixture(scope="session")
def api(hub: HubProcess, operator_key: str) -> Api:
    """Plain HTTP for `org_123`."""
    return Api(hub, operator_key, "org_123")
