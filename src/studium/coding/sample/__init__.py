"""Which units to code: draws with known probabilities, and what their codes say of all units.

| draw | when |
| --- | --- |
| `simple` | shares of everything; the units on which a model is judged |
| `stratified` | every part is to be told of, or the answer differs between parts |
| `clusters` | units that belong together are cheap to code together |
| `chances` and `draw` | a model is to learn from them: more of what it is unsure of |
| `purposive` | to look at: nothing can be said of other units |

`hajek`, `mean`, `share` and `ratio` weight the codes by 1 / P(drawn): a plain mean is that of the sample alone.
"""

from studium.coding.sample.drawn import Drawn, Stratum, purposive, simple
from studium.coding.sample.estimate import Estimate, hajek, mean, n_eff, ratio, share
from studium.coding.sample.strata import ALLOCATIONS, allocate, binned, clusters, stratified
from studium.coding.sample.unequal import chances, draw, uncertainty

__all__ = [
    "ALLOCATIONS",
    "Drawn",
    "Estimate",
    "Stratum",
    "allocate",
    "binned",
    "chances",
    "clusters",
    "draw",
    "hajek",
    "mean",
    "n_eff",
    "purposive",
    "ratio",
    "share",
    "simple",
    "stratified",
    "uncertainty",
]
