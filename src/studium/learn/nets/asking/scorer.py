"""The torch module of networks that are asked. Imported only by what needs torch anyway."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from studium.learn.nets.asking.answers import scores

__all__ = ["Scorer"]


class Scorer(nn.Module):
    """What a network says next, of the answers alone, as logits for the objective."""

    def __init__(self, network: Any, tokens: tuple[tuple[int, ...], ...], task: str, asked: int = 1) -> None:
        """See `studium.learn.nets.asking.answers`.

        Args:
            network: of transformers or peft.
            tokens: of each answer.
            task: of the head.
            asked: how many questions there are about each unit.
        """
        super().__init__()
        self.network, self.tokens, self.task, self.asked = network, tokens, task, asked
        inner = getattr(network, "model", network) if hasattr(network, "peft_config") else network
        self.dtype = next(one.dtype for one in network.parameters() if not one.requires_grad)
        self.keeps = "logits_to_keep" in inspect.signature(inner.forward).parameters

    def forward(self, **batch: Tensor) -> Tensor:
        """The logits, (n, outputs).

        Args:
            batch: what the network takes, and "last", (rows,) the place of each row's last token: a row for each
                question about each unit. Or the same of each row by itself, named "0.input_ids" and so on.
        """
        rows = [batch] if "last" in batch else _rows(batch)
        found = scores(torch.cat([self._said(**row) for row in rows]), self.tokens, self.task)
        return found.reshape(-1, self.asked) if self.asked > 1 else found

    def _said(self, last: Tensor, **inputs: Tensor) -> Tensor:
        """Logits of the token behind the last one of each row, (rows, vocabulary)."""
        given = {name: one.to(self.dtype) if one.is_floating_point() else one for name, one in inputs.items()}
        places, at = torch.unique(last, return_inverse=True)
        kept = {"logits_to_keep": places} if self.keeps else {}  # those of all places would be gigabytes
        logits: Tensor = self.network(**given, use_cache=False, **kept).logits
        return logits[torch.arange(len(last), device=last.device), at if self.keeps else last]


def _rows(batch: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    found: dict[int, dict[str, Tensor]] = {}
    for name, values in batch.items():
        row, _, key = name.partition(".")
        found.setdefault(int(row), {})[key] = values
    return [found[row] for row in sorted(found)]
