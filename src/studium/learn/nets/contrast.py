"""Contrastive losses: what pulls a picture towards its own text and away from the others of its batch."""

from typing import TYPE_CHECKING

from studium.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["info_nce", "pairwise_sigmoid"]


def info_nce(images: "Tensor", texts: "Tensor", scale: "Tensor | float") -> "Tensor":
    """The symmetric InfoNCE loss of CLIP: which text belongs to a picture, and which picture to a text.

    Row i of ``images`` belongs to row i of ``texts``; every other pair of the batch counts as a mismatch, so a batch
    should not hold the same picture or text twice. With C the cosines of all pairs it is the mean of the
    cross-entropies of the rows and of the columns of ``scale * C``, whose true classes are the diagonal. Pairs that
    tell nothing apart have the loss log n.

    Args:
        images: (n, d) floating point, n at least 2; scaled to length 1 here. A row of zeros counts as it is.
        texts: (n, d) of the same type and device.
        scale: what cosines are multiplied with, greater than 0: 1 / temperature. CLIP learns its logarithm, and keeps
            it at 100 at most: hand over ``log_scale.exp()`` to do likewise.

    Returns:
        A scalar, in nats; gradients flow to all three.

    Raises:
        InputError: shapes or types that do not fit, or fewer than two pairs.
        MissingExtraError: torch is not installed.

    References:
        van den Oord et al. (2018), doi:10.48550/arXiv.1807.03748; Radford et al. (2021),
        doi:10.48550/arXiv.2103.00020 (symmetric, with a learned scale).
    """
    cosines = _cosines(images, texts)
    from torch import arange
    from torch.nn.functional import cross_entropy

    logits = scale * cosines
    own = arange(len(logits), device=logits.device)
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


def pairwise_sigmoid(images: "Tensor", texts: "Tensor", scale: "Tensor | float", bias: "Tensor | float") -> "Tensor":
    """The loss of SigLIP: of every pair of the batch by itself, whether the two belong together.

    With z = 1 for own pairs and -1 for all others it is the sum over all pairs of -log sigmoid(z (scale C + bias)),
    divided by n.

    Args:
        images: (n, d) floating point, n at least 2; scaled to length 1 here.
        texts: (n, d) of the same type and device.
        scale: what cosines are multiplied with; SigLIP begins at 10.
        bias: what is added then; SigLIP begins at -10, because most pairs are no match.

    Returns:
        A scalar, in nats; gradients flow to all four.

    Raises:
        InputError: shapes or types that do not fit, or fewer than two pairs.
        MissingExtraError: torch is not installed.

    References:
        Zhai et al. (2023), doi:10.48550/arXiv.2303.15343.
    """
    cosines = _cosines(images, texts)
    from torch import eye
    from torch.nn.functional import logsigmoid

    logits = scale * cosines + bias
    match = 2 * eye(len(logits), dtype=logits.dtype, device=logits.device) - 1
    return -logsigmoid(match * logits).sum() / len(logits)


def _cosines(images: "Tensor", texts: "Tensor") -> "Tensor":
    """Cosines of every picture with every text, n x n."""
    try:
        from torch import finfo, is_floating_point, is_tensor
        from torch.nn.functional import normalize
    except ImportError as error:
        raise MissingExtraError("torch", "torch") from error
    for name, rows in (("images", images), ("texts", texts)):
        if not (is_tensor(rows) and rows.ndim == 2 and is_floating_point(rows)):
            got = f"{rows.dtype} of shape {tuple(rows.shape)}" if is_tensor(rows) else type(rows).__name__
            raise InputError(f"{name} should be a tensor (n, d) of floating-point numbers, got {got}")
    if images.shape != texts.shape or images.dtype != texts.dtype:
        raise InputError(
            "images and texts should have one shape and type, row i of each being a pair; got "
            f"{tuple(images.shape)} {images.dtype} and {tuple(texts.shape)} {texts.dtype}"
        )
    if len(images) < 2:
        raise InputError(f"a contrast needs at least two pairs, got {len(images)}; take larger batches")
    eps = max(1e-12, finfo(images.dtype).tiny)  # float16 has no 1e-12: a row of zeros would be NaN
    return normalize(images, dim=1, eps=eps) @ normalize(texts, dim=1, eps=eps).T
