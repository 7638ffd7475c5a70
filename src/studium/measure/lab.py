"""From sRGB to CIE L*a*b*."""

import numpy as np
import numpy.typing as npt

__all__ = ["to_lab"]

SRGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
"""ITU-R BT.709 primaries, D65."""

WHITE_IS_ONE = (SRGB_TO_XYZ / SRGB_TO_XYZ.sum(axis=1, keepdims=True)).astype(np.float32)
"""XYZ relative to white, so that white is L* = 100, a* = b* = 0."""

_LEVELS = np.arange(256) / 255
LINEAR = np.where(_LEVELS <= 0.04045, _LEVELS / 12.92, ((_LEVELS + 0.055) / 1.055) ** 2.4).astype(np.float32)
"""Linear light of the 256 levels of sRGB (IEC 61966-2-1)."""

LINEAR_PART = np.float32((6 / 29) ** 3)


def to_lab(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """CIE 1976 L*a*b* of sRGB colours, D65.

    Args:
        planes: uint8 3 x N: red, green and blue.

    Returns:
        float32 3 x N: L* 0..100, a* and b* about -128..128.

    References:
        ISO/CIE 11664-4:2019; IEC 61966-2-1:1999.
    """
    xyz = np.clip(np.einsum("ij,jn->in", WHITE_IS_ONE, LINEAR.take(planes)), 0, 1)
    f = np.where(xyz > LINEAR_PART, np.cbrt(xyz), xyz * np.float32((29 / 6) ** 2 / 3) + np.float32(4 / 29))
    return np.stack([np.maximum(116 * f[1] - 16, 0), 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
