"""Running on one machine: one worker process, one thread per core, each taking whole chunks.

A worker that dies took a bad file with it. The chunks it had in hand are worked again, unit by unit, in a disposable
process; the unit that kills it is written down as a failure, and the run goes on.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from studium import errors
from studium.core import allowance, weights
from studium.core.store import Store
from studium.errors import StudiumError
from studium.run.leaving import announce
from studium.run.load import DEFAULT, Decoding
from studium.run.pending import Outcome
from studium.run.plan import Chunk, How, Part, Plan, plan
from studium.run.work import work

__all__ = ["Progress", "compute", "threads_here"]

_HOPELESS = 8  # workers that die one after the other of the same measure, which never survives a file

Progress = Callable[[int, int], None]
"""Called with (units finished, units to do) after every chunk."""


def threads_here() -> int:
    """How many chunks are worked on at once: the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute(
    store: Store,
    kind: str,
    parts: Sequence[Part],
    decoding: Decoding = DEFAULT,
    retry: bool = False,
    progress: Progress | None = None,
) -> tuple[Plan, Outcome]:
    """Measure and split whatever is missing.

    Args:
        store: the study folder, locked by the caller.
        kind: of the units.
        parts: measures to measure on each, and unitizers to split it by.
        decoding: what may be decoded.
        retry: whether units that failed before are tried again.
        progress: told after every chunk.

    Returns:
        The plan at the beginning, and what became of it.
    """
    threads = threads_here()
    may = dataclasses.replace(allowance.current(), retry=retry)
    todo = plan(store, kind, parts, How(threads, decoding, retry, allowance=may))
    for model in dict.fromkeys(model for lacking, _ in todo.pieces for part in lacking for model in part.models):
        weights.pull(model)
    announce(todo)
    tally = _Tally(todo.missing, progress)
    if not all(_importable(part) for part in parts):
        _inline(todo, threads, tally)
        return todo, tally.total
    chunks = todo.chunks()
    while tally.finished < tally.units:
        worker = _Worker(threads)
        worker.run(chunks, tally)
        suspects = {unit.id for chunk in worker.in_hand for unit in chunk.units}
        outcome = _isolate(store, todo, parts, suspects)
        for chunk in worker.in_hand:
            tally.add(chunk, outcome.rows, outcome.failures)
            outcome = Outcome()
    return todo, tally.total


class _Tally:
    """Adds up what became of the chunks, and reports progress."""

    def __init__(self, units: int, progress: Progress | None) -> None:
        self.units, self.progress = units, progress
        self.total, self.finished = Outcome(), 0

    def add(self, chunk: Chunk, rows: Mapping[str, int], failures: Mapping[str, int]) -> None:
        self.total.rows.update(rows)
        self.total.failures.update(failures)
        self.finished += len(chunk.units)
        if self.progress:
            self.progress(self.finished, self.units)


def _importable(part: Part) -> bool:
    """Whether a fresh process can import the class; one typed into a notebook or a script cannot be."""
    named = type(part).__module__ != "__main__" and "<locals>" not in type(part).__qualname__
    return named and bool(sys.executable)


def _inline(todo: Plan, threads: int, tally: _Tally) -> None:
    """Work in this process, for measures that live nowhere else; a file that crashes a decoder ends it."""
    for each in {part for parts, _ in todo.pieces for part in parts}:
        each.prepare()
    with ThreadPoolExecutor(threads) as pool:
        futures = {pool.submit(work, chunk): chunk for chunk in todo.chunks()}
        try:
            for future in as_completed(futures):
                outcome = future.result()
                tally.add(futures[future], outcome.rows, outcome.failures)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _isolate(store: Store, whole: Plan, parts: Sequence[Part], suspects: set[str]) -> Outcome:
    """Work the suspects unit by unit in disposable processes until none of them kills one."""
    total, deaths = Outcome(), Counter[tuple[str, ...]]()
    while suspects:
        todo = plan(store, whole.kind, parts, dataclasses.replace(whole.how, threads=1), suspects)
        worker, tally = _Worker(threads=1, isolate=True), _Tally(todo.missing, None)
        worker.run(todo.chunks(), tally)
        total.rows.update(tally.total.rows)
        total.failures.update(tally.total.failures)
        if not worker.in_hand:
            break
        unit, labels = worker.touching
        deaths[labels] = 1 if labels in worker.survived else deaths[labels] + 1
        if not unit or deaths[labels] == _HOPELESS:
            raise StudiumError(
                f"{worker.cause}, {deaths[labels]} times in a row, and no file survived {', '.join(labels)}: that is "
                "not the fault of the files; see what was printed above, and run without that measure"
            )
        for table in (table for table in whole.tables if table.recipe.label in labels):
            table.fail([(unit, "DecoderCrashError", f"{worker.cause}; the file is quarantined")])
            total.failures[table.recipe.label] += 1
        if whole.how.retry:  # or it would be tried again at once
            suspects.discard(unit)
    return total


class _Worker:
    """A worker process and the chunks given to it.

    After `run`: ``in_hand`` holds the chunks it died with (empty if it did not die), ``touching`` the unit and tables
    it announced last, ``survived`` the tables that it announced before, ``cause`` how it died.
    """

    def __init__(self, threads: int, isolate: bool = False) -> None:
        self.window = threads if isolate else threads + 1
        self.header = (tuple(sys.path), threads, isolate)
        self.in_hand: list[Chunk] = []
        self.touching: tuple[str, tuple[str, ...]] = ("", ())
        self.survived: set[tuple[str, ...]] = set()
        self.cause = ""

    def run(self, chunks: Iterator[Chunk], tally: _Tally) -> None:
        """Give it chunks until all are done or it dies; the chunks that it never got are still in the iterator.

        Raises:
            StudiumError: a measure could not be prepared or returned what it does not declare.
            ServiceError: a service is asked no further; what was answered by then is written.
        """
        command = [sys.executable, "-P", "-m", "studium.run.worker"]  # -P: no module from the folder we happen to be in
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment())
        try:
            self._feed(process, chunks, tally)
        except BaseException:
            process.kill()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                _close(pipe)
            process.wait()
        self.cause = _cause(process.returncode)

    def _feed(self, process: "subprocess.Popen[bytes]", chunks: Iterator[Chunk], tally: _Tally) -> None:
        given: dict[int, Chunk] = {}
        numbers, ended = itertools.count(), None
        _send(process, self.header)
        while True:
            for chunk in itertools.islice(chunks, self.window - len(given)):
                number = next(numbers)
                given[number] = chunk
                _send(process, (number, chunk))
            if not given and ended:
                raise ended
            if not given:
                return
            match _receive(process):
                case None:
                    self.in_hand = list(given.values())
                    return
                case {"event": "unit", "unit": unit, "tables": tables}:
                    self.survived.add(self.touching[1])
                    self.touching = unit, tuple(tables)
                case {"event": "done", "number": number, "rows": rows, "failures": failures}:
                    tally.add(given.pop(number), rows, failures)
                case {
                    "event": "fatal",
                    "error": "ServiceError" | "BudgetError" as name,
                    "message": message,
                    "number": number,
                }:
                    given.pop(number)  # what others have asked is paid for: they are waited for
                    chunks, ended = iter(()), _rebuilt(name, message)
                case {"event": "fatal", "error": name, "message": message}:
                    raise _rebuilt(name, message)


def _send(process: "subprocess.Popen[bytes]", message: Any) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it died; the next event says so
        pickle.dump(message, process.stdin)
        process.stdin.flush()


def _receive(process: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
    assert process.stdout is not None
    line = process.stdout.readline()
    return json.loads(line) if line.endswith(b"\n") else None


def _close(pipe: Any) -> None:
    with contextlib.suppress(BrokenPipeError):  # what was still buffered went to a process that had died
        pipe.close()


def _environment() -> dict[str, str]:
    """One thread per library: the worker's own threads are the parallelism. And freed pixels stay with the process.

    A decoded picture is megabytes; handing them back to the system and faulting them in again, page by page under one
    lock for all threads, costs several per cent of a run.
    """
    single = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
    kept = {"MALLOC_MMAP_THRESHOLD_": 32 << 20, "MALLOC_TRIM_THRESHOLD_": 256 << 20, "PILLOW_BLOCKS_MAX": 8}
    return {**os.environ, **dict.fromkeys(single, "1"), **{name: str(value) for name, value in kept.items()}}


def _cause(code: int) -> str:
    if code < 0:
        return f"the process died of {signal.Signals(-code).name}" + (" (out of memory?)" if code == -9 else "")
    return f"the process ended with exit code {code}"


def _rebuilt(name: str, message: str) -> StudiumError:
    kind = getattr(errors, name, None)
    if kind is None:
        return StudiumError(f"{name}: {message}")
    rebuilt: StudiumError = kind.__new__(kind, message)  # not called: some take other arguments than the message
    rebuilt.args = (message,)
    return rebuilt
