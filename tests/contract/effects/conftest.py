"""A sandbox and the clients for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.outside import Outside, outside_world


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with outside_world() as found:
        yield found
