"""What the methods section says of recognition: that persons were told apart, why that was lawful, and how often."""

from studium.core import audit
from studium.report.reading import Reading
from studium.report.text import count, noun

__all__ = ["recognition"]


def recognition(reading: Reading) -> str:
    """A paragraph from the audit log and the legal basis of the study; empty if nothing was ever asked for."""
    entries = audit.read(reading.root / audit.NAME)
    allowed = [entry for entry in entries if entry.allowed]
    deleted = [entry for entry in allowed if entry.use.what.startswith("delete ")]
    used = [entry for entry in allowed if not entry.use.what.startswith("delete ")]
    refused = sum(not entry.allowed and entry.use.what != "unreadable" for entry in entries)
    if not entries:
        return ""
    asked, done = noun(len(used) + refused, "time"), noun(len(used), "time")
    said = [f"Telling persons apart by their faces was asked for {asked}; {count(refused)} refused, done {done}."]
    if used:
        digests = ", ".join(dict.fromkeys(entry.basis for entry in used))
        said.append(f"It was done between {used[0].at[:10]} and {used[-1].at[:10]} under the legal basis {digests}.")
    basis = reading.study.legal_basis
    if used and basis and basis.digest == used[-1].basis:
        said.append(
            f"Purpose: {basis.purpose}. Lawful basis: {basis.article_6}; exception for biometric data: "
            f"{basis.article_9}. Impact assessment: {basis.dpia}; ethics approval: {basis.ethics_approval}. It holds "
            f"until {basis.expires}; templates are kept for {basis.retention_days} days."
        )
    if deleted:
        said.append(f"Templates were deleted {noun(len(deleted), 'time')}, last on {deleted[-1].at[:10]}.")
    if not all(entry.intact for entry in entries):
        said.append("The log of these uses was changed after it was written.")
    return " ".join(said)
