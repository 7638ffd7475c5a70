"""How far coders agree, and what they said of themselves."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studium.cli.common import InOrder, opened, print_table, study_option
from studium.errors import InputError

if TYPE_CHECKING:
    from studium.coding.agreement import Agreement
    from studium.run.coding.agreement import Agreed
    from studium.run.coding.gathered import Said

__all__ = ["agree", "coders"]


@click.command()
@click.argument("variables", nargs=-1, metavar="[VARIABLE...]")
@click.option("--task", help="Only what was coded in this task.")
@click.option("--sample", help="Only what was coded in this sample.")
@click.option("--by", help="Compare groups of coders by this trait only.")
@click.option("--table", "tables", multiple=True, help="A table that counts as a coder, such as zero_shot:scene.")
@study_option
def agree(
    variables: tuple[str, ...],
    task: str | None,
    sample: str | None,
    by: str | None,
    tables: tuple[str, ...],
    root: Path,
) -> None:
    """Show how far coders agree: coefficients with 95 % intervals, coder by coder, over time, and by group.

    \b
    studium agree
    studium agree protest --task pilot --by party
    """
    from studium.coding.groups import LEAST
    from studium.run.coding.agreement import agreements

    with opened(root) as corpus, corpus.records() as records:
        given = {"task": task, "sample": sample, "by": by, "tables": tables, "seed": corpus.study.seed}
        found = agreements(corpus.store, records, corpus.codebook, variables, **given)
    if not found:
        click.echo("nobody has coded in this study yet; give coders a task with  studium task")
    for one in found:
        _print(one)
    if by and not any(one.groups for one in found):
        click.echo(f"nothing to compare by {by}: no two groups of at least {LEAST} coders")


@click.group(cls=InOrder)
def coders() -> None:
    """Show, keep and delete what coders said of themselves, with their consent."""


@coders.command()
@study_option
def show(root: Path) -> None:
    """Show the traits of all coders: personal data, so mind who looks."""
    with opened(root) as corpus, corpus.records() as records:
        rows = [(one.coder, one.name, one.value, one.at.date().isoformat()) for one in records.traits.all()]
    print_table(["coder", "trait", "value", "since"], rows)


@coders.command()
@click.argument("coder")
@click.argument("traits", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("--consent", required=True, help="The words that the coder consented to, as they read them.")
@study_option
def put(coder: str, traits: tuple[str, ...], consent: str, root: Path) -> None:
    """Keep traits of a coder, as from a form that they signed.

    \b
    studium coders put ann party=left --consent "I agree that my party is used to compare groups of coders."
    """
    from studium.run.coding.traits import FILE, questions, tell

    given = {name: value for name, equals, value in (one.partition("=") for one in traits) if name and equals and value}
    if len(given) < len(traits):
        raise InputError(f"expected NAME=VALUE, each name once, got {' '.join(traits)}")
    with opened(root) as corpus, corpus.records() as records:
        asked = questions(corpus.root) if (corpus.root / FILE).exists() else None
        tell(records, coder, given, consent, asked)
    click.echo(f"kept {len(given)} traits of {coder}")


@coders.command()
@click.argument("coder")
@study_option
def withdraw(coder: str, root: Path) -> None:
    """Delete everything that a coder said of themselves. Their annotations stay; the log says that it was done."""
    from studium.run.coding.traits import withdraw as delete

    with opened(root) as corpus, corpus.records() as records:
        n = delete(records, coder)
    click.echo(f"deleted {n} traits of {coder}")


@coders.command()
def form() -> None:
    """Print a coders.toml to fill in: what coders are asked, and the words of consent."""
    from studium.run.coding.traits import TEMPLATE

    click.echo(TEMPLATE, nl=False)


def _print(one: "Agreed") -> None:
    click.echo(f"\n{one.variable.name}: {one.overall.units} units coded by two or more, {len(one.coders)} coders")
    rows = [row for name, found in {"": one.overall, **one.parts}.items() for row in _measures(name, found)]
    print_table(["value", "coefficient", "estimate", "low", "high", "se", "note"], rows)
    if one.paradox:
        click.echo("kappa is low although coders hardly differ: nearly all units have one value; report AC1 beside it")
    if one.unequal:
        click.echo("of the units as drawn: they were drawn with unequal probabilities, and agreement is not weighted")
    for why, n in one.left_out.items():
        click.echo(f"not counted: {n} answers {why}")
    print_table(
        ["coder", "units", "cannot tell", "seconds", "first block", "last block", "p of trend", "with themselves"],
        [_coder(one, said) for said in one.coders],
    )
    if len(one.pairs) > 1:
        pairs = [(p.a, p.b, p.found.units, _n(p.found["percent"].value), _n(p.kappa)) for p in one.pairs]
        print_table(["coder", "coder", "units", "percent", "kappa"], pairs)
    if one.labels and len(one.coders) > 1:
        print_table(["", *one.labels], [(n, *row) for n, row in zip(one.labels, one.confusion, strict=True)])
    if one.groups:
        _print_groups(one)


def _measures(value: str, found: "Agreement") -> list[tuple[str, ...]]:
    return [
        (value, one.name, *(_n(n) for n in (one.value, one.low, one.high, one.se)), one.reason)
        for one in found.measures
    ]


def _coder(of: "Agreed", said: "Said") -> Sequence[object]:
    drift, again = of.drift.get(said.coder), of.again.get(said.coder)
    blocks = drift.blocks if drift else ()
    first, last = (_n(blocks[0].value), _n(blocks[-1].value)) if blocks else ("", "")
    twice = f"{_n(again['percent'].value)} of {again.units}" if again else ""
    seconds = "" if said.seconds is None else f"{said.seconds:.1f}"
    trend = _n(drift.p) if drift else ""
    return (said.coder, len(said.codes), said.cannot_tell, seconds, first, last, trend, twice)


def _print_groups(of: "Agreed") -> None:
    header = ["trait", "value", "groups", "coders", "units", "difference", "low", "high", "p", "p (Holm)", "note"]
    rows = []
    for one in of.groups:
        it = one.contrast
        numbers = (_n(n) for n in (it.difference, it.low, it.high, it.p, it.p_holm))
        groups, many = f"{it.a} - {it.b}", f"{it.coders_a}, {it.coders_b}"
        few = f"so few coders give no p below {it.smallest:.3f}" if it.smallest >= 0.05 else ""
        rows.append((one.trait, one.value, groups, many, it.units, *numbers, it.reason or few))
    print_table(header, rows)


def _n(value: float) -> str:
    """Three digits; nothing for what is not defined."""
    return "" if math.isnan(value) else f"{value:.3f}"
