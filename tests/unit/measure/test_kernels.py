import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from studium.errors import InputError
from studium.measure import kernels as k

RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (23, 31)).astype(float)


def by_hand(x, kernel):
    rows, columns = x.shape[0] - kernel.shape[0] + 1, x.shape[1] - kernel.shape[1] + 1
    y = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            for u in range(kernel.shape[0]):
                for v in range(kernel.shape[1]):
                    y[i, j] += kernel[u, v] * x[i + u, j + v]
    return y


def test_one_pixel():
    assert k.convolve([[2.0]], [[3.0]]).tolist() == [[6.0]]


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 3), (5, 1)])
def test_the_formula_the_slow_way_and_scipy(shape):
    kernel = RNG.normal(size=shape)
    np.testing.assert_allclose(k.convolve(X, kernel), by_hand(X, kernel))
    np.testing.assert_allclose(k.convolve(X, kernel), signal.correlate2d(X, kernel, "valid"))
    np.testing.assert_allclose(k.convolve(X, kernel[::-1, ::-1]), signal.convolve2d(X, kernel, "valid"))


@pytest.mark.parametrize(("padding", "stride"), [(0, 1), (1, 1), (2, 3), (1, 2)])
def test_padding_and_stride_are_those_of_deep_learning(padding, stride):
    kernel = RNG.normal(size=(3, 3))
    expected = torch.nn.functional.conv2d(
        torch.tensor(X)[None, None], torch.tensor(kernel)[None, None], padding=padding, stride=stride
    )
    np.testing.assert_allclose(k.convolve(X, kernel, padding=padding, stride=stride), expected[0, 0].numpy())


def test_channels_are_filtered_one_by_one(astronaut):
    small = astronaut[::16, ::16]
    made = k.convolve(small, k.SOBEL_X, padding=1)
    assert made.shape == small.shape
    np.testing.assert_allclose(made[..., 1], k.convolve(small[..., 1], k.SOBEL_X, padding=1))


def test_kernels_agree_with_opencv(astronaut):
    x = astronaut[::4, ::4, 1]
    inner = (slice(1, -1), slice(1, -1))
    np.testing.assert_array_equal(k.convolve(x, k.SOBEL_X), cv2.Sobel(x, cv2.CV_64F, 1, 0)[inner])
    np.testing.assert_array_equal(k.convolve(x, k.SOBEL_Y), cv2.Sobel(x, cv2.CV_64F, 0, 1)[inner])
    np.testing.assert_array_equal(k.laplacian(x), cv2.Laplacian(x, cv2.CV_64F)[inner])
    np.testing.assert_allclose(
        k.convolve(x, k.box_kernel(5), padding=2),
        cv2.blur(x.astype(float), (5, 5), borderType=cv2.BORDER_CONSTANT),
    )
    np.testing.assert_allclose(
        k.convolve(x, k.gaussian_kernel(1.5, radius=4), padding=4),
        ndimage.gaussian_filter(x.astype(float), 1.5, mode="constant", radius=4),
    )


def test_gradient_of_a_ramp():
    ramp = np.add.outer(3.0 * np.arange(6), 4.0 * np.arange(7))
    assert (k.convolve(ramp, k.SOBEL_X) == 32).all()
    assert (k.convolve(ramp, k.SOBEL_Y) == 24).all()
    assert (k.gradient_magnitude(ramp) == 40).all()
    assert (k.laplacian(ramp) == 0).all()


def test_kernels_sum_to_one_and_cannot_be_changed():
    assert k.box_kernel(4).sum() == pytest.approx(1)
    assert k.gaussian_kernel(2).shape == (13, 13)
    assert k.gaussian_kernel(2).sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="read-only"):
        k.SOBEL_X[0, 0] = 5


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, None), (3, 1), (2, 3)])
def test_pooling_is_that_of_deep_learning(size, stride):
    x = torch.tensor(X)[None, None]
    np.testing.assert_allclose(k.max_pool(X, size, stride), torch.nn.functional.max_pool2d(x, size, stride)[0, 0])
    np.testing.assert_allclose(k.average_pool(X, size, stride), torch.nn.functional.avg_pool2d(x, size, stride)[0, 0])


@pytest.mark.parametrize(
    "call",
    [
        lambda: k.convolve(X, np.ones((24, 1))),
        lambda: k.convolve(X, np.ones(3)),
        lambda: k.convolve(X, np.ones((3, 3)), stride=0),
        lambda: k.convolve(np.zeros((0, 0)), np.ones((1, 1))),
        lambda: k.max_pool(X, 0),
        lambda: k.box_kernel(0),
        lambda: k.gaussian_kernel(0),
    ],
)
def test_what_does_not_fit_is_refused(call):
    with pytest.raises(InputError):
        call()


@pytest.mark.parametrize("pool", [k.max_pool, k.average_pool])
def test_a_stride_of_zero_is_refused_and_not_taken_for_the_default(pool):
    with pytest.raises(InputError, match="stride must be at least 1 pixel, got 0"):
        pool(np.eye(4), 2, 0)


def test_a_negative_radius_is_refused():
    with pytest.raises(InputError, match="radius must be at least 0 pixels, got -1"):
        k.gaussian_kernel(1, -1)
