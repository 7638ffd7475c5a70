import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Small tables learn no faster on several, and threads of processes beside each other wait for each other."""
    with threadpool_limits(1):
        yield
