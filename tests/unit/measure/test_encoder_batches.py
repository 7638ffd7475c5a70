"""Batches that shrink where memory does not hold them; and what says that it does not."""

import threading
import types

import numpy as np
import pytest
import torch

from studium.errors import WeightsError
from studium.measure import encoder_hub, encoder_onnx
from studium.measure.encoder_batches import in_batches, out_of_memory, stacked
from studium.measure.encoder_tokens import pool
from studium.networks import sessions


def network(holds, error=torch.OutOfMemoryError):
    """What holds so many inputs at once, and what it was asked."""
    asked = []

    def run(batch):
        asked.append(len(batch))
        if len(batch) > holds:
            raise error("CUDA out of memory. Tried to allocate 20.00 MiB")
        return [number * 10 for number in batch]

    return run, asked


@pytest.mark.parametrize(
    ("inputs", "size", "holds", "asked"),
    [
        (0, 8, 8, []),
        (1, 8, 8, [1]),
        (20, 8, 8, [8, 8, 4]),
        (20, 16, 5, [16, 8, 4, 4, 4, 4, 4]),
        (3, 256, 1, [3, 1, 1, 1]),
        (3, 1, 1, [1, 1, 1]),
    ],
)
def test_every_input_once_and_in_order(inputs, size, holds, asked):
    run, seen = network(holds)
    found = in_batches(run, list(range(inputs)), size)
    assert [value for batch in found for value in batch] == [number * 10 for number in range(inputs)]
    assert seen == asked


def test_one_that_does_not_fit_is_an_error():
    run, asked = network(0)
    with pytest.raises(torch.OutOfMemoryError):
        in_batches(run, [1, 2, 3], 8)
    assert asked == [3, 1]


def test_other_errors_are_not_tried_again():
    def run(batch):
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        in_batches(run, [1, 2], 2)


@pytest.mark.parametrize(
    ("error", "is_one"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 9633792"), True),
        (RuntimeError("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("shapes do not fit"), False),
    ],
)
def test_what_says_that_memory_is_full(error, is_one):
    assert out_of_memory(error) is is_one


def test_pooling():
    states = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    mask = np.array([[1, 1, 0]])
    np.testing.assert_array_equal(pool(states, mask, "mean"), [[2, 3, 4, 5]])
    np.testing.assert_array_equal(pool(states, mask, "max"), [[4, 5, 6, 7]])
    np.testing.assert_array_equal(pool(states, mask, "cls"), [[0, 1, 2, 3]])
    assert pool(states, mask, "mean").dtype == np.float32


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_overflows_is_an_error(value):
    with pytest.raises(WeightsError, match=r"clip gives infinite numbers or none: .* take float32"):
        stacked([np.ones((2, 3), np.float32), np.array([[1, value, 1]], np.float32)], "clip", 3)


def test_the_libraries_of_an_accelerator_are_looked_for_among_packages(capsys):
    """ONNX Runtime prints what it does not find; a library prints nothing."""
    sessions._load_libraries(types.SimpleNamespace(preload_dlls=lambda: print("Failed to load libcudnn.so.9")))
    sessions._load_libraries(types.SimpleNamespace())  # before 1.21
    assert capsys.readouterr().out == ""


def test_precision_on_an_accelerator_with_several_threads():
    """The switches are the process's: another thread must not find them as the first one leaves them."""
    switches = torch.backends.cudnn
    before, inside, leave, seen = switches.allow_tf32, threading.Event(), threading.Event(), []

    def other():
        with encoder_hub._exact("cuda"):
            inside.set()
            leave.wait(5)
            seen.append(switches.allow_tf32)

    thread = threading.Thread(target=other)
    with encoder_hub._exact("cuda"):
        thread.start()
        inside.wait(0.1)
        assert not switches.allow_tf32
    leave.set()
    thread.join()
    assert (seen, switches.allow_tf32) == ([False], before)


def test_where_there_is_no_accelerator(exported):
    """Here ONNX Runtime offers none, so graphs run on the CPU and take inputs one by one."""
    if sessions.accelerated():
        pytest.skip("there is one")
    graph = sessions.session(encoder_onnx._file(exported["clip"], "vision_model"), "clip", accelerate=True)
    assert graph.get_providers() == [sessions.CPU]
    assert encoder_onnx._at_once(graph, "float32") == 1


@pytest.mark.parametrize(("precision", "at_once"), [("float32", 256), ("float16", 256), ("int8", 1)])
def test_on_an_accelerator(precision, at_once):
    """int8 goes one by one there too: its graphs scale by the largest value of a whole batch."""

    class Graph:
        def get_providers(self):
            return ["CUDAExecutionProvider", sessions.CPU]

    assert encoder_onnx._at_once(Graph(), precision) == at_once
