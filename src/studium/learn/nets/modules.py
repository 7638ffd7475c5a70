"""Torch modules around published networks: what these say becomes logits. Imported only by what needs torch anyway."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

__all__ = ["Fusion", "Logits"]

HIDDEN = 256
"""Width of the layer between the features and the logits."""
DROPOUT = 0.2


class Logits(nn.Module):
    """A network of transformers that has a head already."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, **batch: Tensor) -> Tensor:
        """The logits, (n, outputs)."""
        logits: Tensor = self.network(**batch).logits
        return logits


class Fusion(nn.Module):
    """Two towers, what joins their features, and a small network on top.

    With t and v the features of a unit's text and of its pictures, each scaled to a mean square of 1, and 0 where there
    is none, the small network is given t, v, t * v, and whether there is a text and a picture. Of several pictures v is
    the mean of their scaled features, scaled again.
    """

    towers: Any
    top: nn.Sequential

    def __init__(self, towers: Any, width: int, outputs: int, freeze: bool) -> None:
        super().__init__()
        self.towers, self.width, self.freeze = towers, width, freeze
        first, last = nn.Linear(3 * width + 2, HIDDEN), nn.Linear(HIDDEN, outputs)
        self.top = nn.Sequential(first, nn.GELU(), nn.Dropout(DROPOUT), last)
        for name, values in towers.named_parameters():
            values.requires_grad = not freeze and not name.startswith("logit_")  # those only compare the towers

    def train(self, mode: bool = True) -> "Fusion":
        """Frozen towers are never in training."""
        super().train(mode)
        if self.freeze:
            self.towers.eval()
        return self

    def forward(self, **batch: Tensor) -> Tensor:
        """The logits, (n, outputs), of what `features` reads, or of "features", as it made them."""
        logits: Tensor = self.top(batch["features"] if "features" in batch else self.features(**batch))
        return logits

    def features(self, **batch: Tensor) -> Tensor:
        """What the small network is given, (n, 3 width + 2).

        Args:
            batch: "told" and "seen", (n,): whether a unit has a text, and how many pictures; then what the towers read,
                of the texts and pictures that there are, in order: "text_..." and "image_...".
        """
        told, seen = batch["told"], batch["seen"]
        texts = self._scaled(self.towers.get_text_features, batch, "text_")
        images = self._scaled(self.towers.get_image_features, batch, "image_")
        units = torch.arange(len(told), device=told.device)
        text = _summed(texts, units[told > 0], len(told))
        image = normalize(_summed(images, units.repeat_interleave(seen), len(told)), dim=1) * self.width**0.5
        there = torch.stack([told > 0, seen > 0], 1).to(text.dtype)
        return torch.cat([text, image, text * image, there], 1)

    def _scaled(self, tower: Callable[..., Any], batch: dict[str, Tensor], start: str) -> Tensor:
        """Of what there is: (m, width), each row of mean square 1."""
        given = {name.removeprefix(start): values for name, values in batch.items() if name.startswith(start)}
        if not given:
            return torch.zeros(0, self.width, device=batch["seen"].device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            said: Tensor = tower(**given).pooler_output
        scaled: Tensor = normalize(said, dim=1) * self.width**0.5
        return scaled


def _summed(rows: Tensor, units: Tensor, n: int) -> Tensor:
    """The sum of the rows of each unit, (n, width); 0 for those without."""
    return rows.new_zeros(n, rows.shape[1]).index_add(0, units, rows)
