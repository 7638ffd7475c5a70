"""How far coders agree: in percent, and beyond chance, with intervals over units.

People and machines alike count as coders. A value that is missing is None, and takes no part.
"""

from studium.coding.agreement.agreement import MEASURES, Agreement, Measure, agreement, is_paradox
from studium.coding.agreement.alpha import krippendorff_alpha
from studium.coding.agreement.chance import (
    fleiss_kappa,
    gwet_ac1,
    gwet_error,
    pabak,
    percent_agreement,
    randolph_kappa,
)
from studium.coding.agreement.counts import Codes, crossed
from studium.coding.agreement.kappa import Kappa, cohen_kappa
from studium.coding.agreement.share import Share, share

__all__ = [
    "MEASURES",
    "Agreement",
    "Codes",
    "Kappa",
    "Measure",
    "Share",
    "agreement",
    "cohen_kappa",
    "crossed",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_error",
    "is_paradox",
    "krippendorff_alpha",
    "pabak",
    "percent_agreement",
    "randolph_kappa",
    "share",
]
