"""The shared demo database."""

import pytest
from demo_database import DemoDatabase, demo_database


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoDatabase:
    return demo_database(tmp_path_factory)
