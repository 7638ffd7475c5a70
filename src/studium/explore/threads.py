"""Threads that share the cores without treading on each other."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from studium.errors import MissingExtraError

__all__ = ["cores", "one_thread_each"]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """A pool with one thread per core, in each of which BLAS and OpenMP use that one thread.

    Nested pools spin: scikit-learn's k-means took six times the CPU time with two threads on two busy cores. One
    thread also fixes the order of every sum, so a result does not depend on the number of cores. BLAS has one limit
    for the process, OpenMP one for each thread. On an error or an interrupt nothing that waits is started any more.
    """
    try:
        import sklearn.cluster  # noqa: F401  (its OpenMP runtime must be loaded before it can be limited)
        from threadpoolctl import threadpool_limits
    except ImportError as missing:
        raise MissingExtraError(missing.name or "scikit-learn", "images") from missing

    with threadpool_limits(limits=1):
        pool = ThreadPoolExecutor(cores(), initializer=threadpool_limits, initargs=(1, "openmp"))
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
