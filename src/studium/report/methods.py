"""The methods section, written from the study file and the recipes: ready to be pasted into a paper."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from studium.core import registry, weights
from studium.core.column import Column
from studium.core.store import Table
from studium.errors import UnknownNameError
from studium.measure.ask.ask import Ask
from studium.measure.ask.columns import variable_of
from studium.measure.ask.prompt import prompt_of, text_of
from studium.report import prose
from studium.report.ledger import Ledger
from studium.report.reading import RESULTS, Reading
from studium.report.recognition import recognition
from studium.report.references import ModelUse, Reference, References
from studium.run.remote import flows

__all__ = ["Definition", "Methods", "methods"]


@dataclass(frozen=True)
class Definition:
    """The columns of one table, with the numbers of their references."""

    label: str
    kind: str
    columns: list[tuple[Column, list[int]]]


@dataclass(frozen=True)
class Methods:
    """Paragraphs, models, definitions, references, the statement of data flow and the prompts."""

    paragraphs: list[str]
    models: list[ModelUse]
    definitions: list[Definition]
    references: list[Reference]
    flow: list[str] = field(default_factory=list)
    prompts: list[tuple[str, str]] = field(default_factory=list)
    ethics: list[tuple[str, str]] = field(default_factory=list)


def methods(reading: Reading, found: Ledger) -> Methods:
    """Everything a paper says about how its numbers came about."""
    references = References()
    definitions = [_definition(table, references) for table in reading.tables]
    models = _models(reading.tables, references)
    cited = {(d.kind, d.label): sorted({n for _, numbers in d.columns for n in numbers}) for d in definitions}
    logs = {(log.kind, log.label): log for log in found.tables}
    paragraphs = [prose.material(reading, found)]
    for kind in reading.kinds:
        measured = [(t, cited[kind, t.recipe.label], logs[kind, t.recipe.label]) for t in reading.measures(kind)]
        if measured:
            paragraphs.append(prose.measured(kind, measured))
    paragraphs += [prose.modelled(model) for model in models]
    paragraphs += [prose.result(reading, table, cited[table.kind, table.recipe.label]) for table in _results(reading)]
    paragraphs += [recognition(reading), prose.software(reading)]
    ethics = [(name.replace("_", " "), text) for name, text in reading.study.ethics.items()]
    flow, asked = _flow(reading), _prompts(reading.tables)
    return Methods([p for p in paragraphs if p], models, definitions, references.all, flow, asked, ethics)


def _definition(table: Table, references: References) -> Definition:
    name = table.recipe.name
    columns = [(column, references.cite(column.source, f"{name}: {column.name}")) for column in table.columns]
    return Definition(table.recipe.label, table.kind, columns)


def _models(tables: Iterable[Table], references: References) -> list[ModelUse]:
    used: dict[tuple[str, str], list[str]] = {}
    for table in tables:
        for model, fingerprint in table.recipe.models.items():
            names = used.setdefault((model, fingerprint), [])
            if table.recipe.name not in names:
                names.append(table.recipe.name)
    found = []
    for (model, fingerprint), names in sorted(used.items()):
        row = weights.rows().get(model)
        if row is None:
            found.append(ModelUse(model, "", "", "", fingerprint, names, []))
            continue
        numbers = references.cite(row.paper, f"model {model}")
        numbers += [n for part in row.uses for n in references.cite(weights.get(part).paper, f"model {part}")]
        numbers = sorted(set(numbers))
        found.append(ModelUse(model, row.task, row.licence, row.about, fingerprint, names, numbers))
    return found


def _prompts(tables: Iterable[Table]) -> list[tuple[str, str]]:
    """What models were asked, word for word: the table, and the prompt that its recipe makes."""
    found = []
    for table in tables:
        recipe = table.recipe
        if recipe.name == Ask.name:
            same = recipe.version == Ask.version
            variables = tuple(map(variable_of, recipe.params["variables"]))
            other = f"(in the words of version {recipe.version} of ask, which this version of studium does not know)"
            found.append((f"{table.kind}/{recipe.label}", text_of(prompt_of(variables)) if same else other))
    return found


def _results(reading: Reading) -> list[Table]:
    return [table for kind in reading.kinds for name in RESULTS for table in reading.results(kind, name)]


def _flow(reading: Reading) -> list[str]:
    """Whether data left the machine; asked of every measure and unitizer, not assumed."""
    remote, unknown = set(), set()
    for table in reading.tables:
        if table.recipe.inputs or table.recipe.name in RESULTS:  # made of tables of the study, here
            continue
        try:
            group = "unitizers" if table.recipe.name in registry.names("unitizers") else "measures"
            if registry.load(group, table.recipe.name).remote is True or flows([table]):
                remote.add(table.recipe.name)
        except UnknownNameError:
            unknown.add(table.recipe.name)
    said = []
    if remote:
        said.append(f"Data were sent to other machines by: {', '.join(sorted(remote))}.")
        said += [f"{flow}, between {flow.first} and {flow.last}." for flow in flows(reading.tables)]
    else:
        said.append(
            f"{'As far as can be checked, nothing' if unknown else 'Nothing'} left the machine: every measure ran where"
            " the data lie. studium refuses measures that would send data elsewhere unless they are allowed to;"
            " weights of models are downloaded, never anything uploaded."
        )
    if unknown:
        said.append(f"Not installed here, so not checked again: {', '.join(sorted(unknown))}.")
    said.append(
        "This page shows thumbnails of at most 192 pixels, file names and counts. It holds no text and no author of a"
        " post, runs no script and loads nothing. Before it is published, check the rights in the pictures and the"
        " privacy of the people in them."
    )
    return said
