"""The study file, ``studium.toml``: the methods section of the paper, read once and checked at the door."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from studium.core.allowance import FREE, Allowance
from studium.core.experiment import ExperimentEntry, experiments
from studium.core.legal import LegalBasis
from studium.errors import ConfigError

__all__ = ["VERBS", "SourceEntry", "Step", "Study", "read"]

VERBS = ("split", "measure", "rollup", "cluster", "duplicates", "map", "persons", "predict")
"""What a step can do; the verb's value names the part, the table it works on, or the model."""

_STUDY_KEYS = {"title": str, "question": str, "authors": list, "seed": int, "database": str}
_MEDIA_KEYS = {"max_pixels": int, "truncated": bool}
_LEGAL_KEYS = {**{f.name: str for f in fields(LegalBasis)}, "retention_days": int, "expires": date}
_SERVE_KEYS = {"blur_faces": bool}
_REMOTE_KEYS = {"budget": int | float, "requests_per_minute": int | float, "prices": dict}
_TOP = ("study", "media", "remote", "serve", "source", "step", "ethics", "legal_basis", "experiment")


@dataclass(frozen=True)
class SourceEntry:
    """One ``[[source]]``: which source, of what path, with which parameters."""

    name: str
    path: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One ``[[step]]``: ``verb = what``, ``of = kind``, and the parameters."""

    verb: str
    what: tuple[str, ...]
    of: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """A study file.

    Attributes:
        title: shown in the report.
        question: the research question, shown in the report.
        authors: names, shown in the report.
        seed: of everything random.
        database: URL of the PostgreSQL database where people's codes are kept; empty for a file in the study folder.
        blur_faces: whether the server makes faces unrecognisable in whatever it shows.
        max_pixels: largest picture that is decoded, width x height; None for the default of `studium.media.image`.
        truncated: whether a picture that ends early is measured as far as it goes, and not a failure.
        remote: what a run may spend on services, and how fast it may ask them.
        sources: what to add, in order.
        steps: what to do, in order.
        ethics: statements for the report (approval, consent, data protection ...), text by name.
        legal_basis: why persons may be told apart, complete or not; None if there is no record.
        experiments: by name; each runs by its own command.
    """

    title: str = ""
    question: str = ""
    authors: tuple[str, ...] = ()
    seed: int = 0
    database: str = ""
    blur_faces: bool = False
    max_pixels: int | None = None
    truncated: bool = False
    remote: Allowance = FREE
    sources: tuple[SourceEntry, ...] = ()
    steps: tuple[Step, ...] = ()
    ethics: Mapping[str, str] = field(default_factory=dict)
    legal_basis: LegalBasis | None = None
    experiments: Mapping[str, ExperimentEntry] = field(default_factory=dict)


def read(path: Path) -> Study:
    """Read a study file.

    Raises:
        ConfigError: missing, not TOML, an unknown key, or a value of the wrong type; says where and what to do.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no study file at {path}; run  studium init  there, or name the study folder") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    _known(path, "the file", raw, _TOP)
    head, media = _section(path, raw, "study", _STUDY_KEYS), _section(path, raw, "media", _MEDIA_KEYS)
    for where, value, low in (
        ("[study] seed", head.get("seed"), 0),
        ("[media] max_pixels", media.get("max_pixels"), 1),
    ):
        if value is not None and value < low:
            raise ConfigError(f"{path}: {where} should be at least {low}, got {value}")
    return Study(
        title=head.get("title", ""),
        question=head.get("question", ""),
        authors=tuple(str(a) for a in head.get("authors", [])),
        seed=head.get("seed", 0),
        database=_database(path, head.get("database", "")),
        blur_faces=_section(path, raw, "serve", _SERVE_KEYS).get("blur_faces", False),
        max_pixels=media.get("max_pixels"),
        truncated=media.get("truncated", False),
        remote=_remote(path, raw),
        sources=tuple(_source(path, i, entry) for i, entry in enumerate(_tables(path, raw, "source"), 1)),
        steps=tuple(_step(path, i, entry) for i, entry in enumerate(_tables(path, raw, "step"), 1)),
        ethics={k: str(v) for k, v in _table(path, raw, "ethics").items()},
        legal_basis=_legal_basis(path, raw),
        experiments=experiments(path, _table(path, raw, "experiment")),
    )


def _database(path: Path, url: str) -> str:
    """Where people's codes are kept; a password belongs elsewhere, as study files are published."""
    if url and not url.startswith("postgresql://"):
        raise ConfigError(f"{path}: [study] database should be like postgresql://user@host/name, got {url!r}")
    if ":" in url.partition("://")[2].rpartition("@")[0]:
        raise ConfigError(
            f"{path}: [study] database holds a password; leave it out, and set STUDIUM_DATABASE or use ~/.pgpass"
        )
    return url


def _legal_basis(path: Path, raw: dict[str, Any]) -> LegalBasis | None:
    """The record as it stands; whether it is complete and in force is asked where it is used."""
    if "legal_basis" not in raw:
        return None
    found = _section(path, raw, "legal_basis", _LEGAL_KEYS)
    if isinstance(found.get("expires"), datetime):
        raise ConfigError(f"{path}: [legal_basis] expires should be a day such as 2027-06-30, without a time")
    return LegalBasis(**found)


def _remote(path: Path, raw: dict[str, Any]) -> Allowance:
    """``[remote]``: US dollars for one run, requests a minute, prices of models."""
    found = _section(path, raw, "remote", _REMOTE_KEYS)
    for key in ("budget", "requests_per_minute"):
        if key in found and not (0 < found[key] < math.inf or (found[key] == 0 and key == "budget")):
            raise ConfigError(f"{path}: [remote] {key} should be a number above 0, got {found[key]}")
    prices = {model: _price(path, model, price) for model, price in found.pop("prices", {}).items()}
    return Allowance(**found, prices=prices)


def _price(path: Path, model: str, price: Any) -> tuple[float, float]:
    numbers = price if isinstance(price, list) else []
    if len(numbers) != 2 or not all(_number(one) and 0 <= one < math.inf for one in numbers):
        raise ConfigError(
            f"{path}: [remote] prices {model!r} should be US dollars for a million tokens read and written, such as "
            f"[0.15, 0.60], got {price!r}"
        )
    return float(numbers[0]), float(numbers[1])


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _source(path: Path, number: int, entry: dict[str, Any]) -> SourceEntry:
    """The first key names the source: ``folder = "images"``."""
    where = f"[[source]] number {number}"
    if not entry:
        raise ConfigError(f'{path}, {where} is empty; write for instance  folder = "images"')
    name, value = next(iter(entry.items()))
    _typed(path, f"{where} {name}", value, str)
    return SourceEntry(name, value, {k: v for k, v in entry.items() if k != name})


def _step(path: Path, number: int, entry: dict[str, Any]) -> Step:
    where = f"[[step]] number {number}"
    verbs = [verb for verb in VERBS if verb in entry]
    if len(verbs) != 1:
        raise ConfigError(
            f"{path}, {where}: expected exactly one of {', '.join(VERBS)}, got {', '.join(entry) or 'nothing'}"
        )
    verb = verbs[0]
    if "of" not in entry:
        raise ConfigError(f'{path}, {where}: say which units, for instance  of = "image"')
    _typed(path, f"{where} of", entry["of"], str)
    what = entry[verb] if isinstance(entry[verb], list) else [entry[verb]]
    for name in what:
        _typed(path, f"{where} {verb}", name, str)
    params = {k: v for k, v in entry.items() if k not in {verb, "of"}}
    if reserved := sorted(set(params) & {"by", "retry"}):
        raise ConfigError(
            f"{path}, {where}: {', '.join(reserved)} is no parameter of a step; write  {verb} = ...  alone"
        )
    if len(what) > 1 and params:
        raise ConfigError(
            f"{path}, {where}: several measures in one step take no parameters ({', '.join(params)}); split it"
        )
    if verb == "rollup":
        _rollup(path, where, params)
    return Step(verb, tuple(what), entry["of"], params)


def _rollup(path: Path, where: str, params: Mapping[str, Any]) -> None:
    """A rollup has two keys, and may say whose units count."""
    if set(params) - {"made_by"} != {"to", "rules"}:
        got = ", ".join(params) or "neither"
        raise ConfigError(
            f"{path}, {where}: a rollup needs to and rules, got {got}; write for instance  "
            'to = "post"  and  rules = { tag_probability = "mean" }'
        )
    for key in params.keys() - {"rules"}:
        _typed(path, f"{where} {key}", params[key], str)
    _typed(path, f"{where} rules", params["rules"], dict)
    for column, text in params["rules"].items():
        _typed(path, f"{where} rules {column}", text, str)


def _known(path: Path, where: str, entry: Mapping[str, Any], known: Any) -> None:
    unknown = sorted(set(entry) - set(known))
    if unknown:
        raise ConfigError(f"{path}: {where} has no key {', '.join(unknown)}; known: {', '.join(known)}")


def _typed(path: Path, where: str, value: object, kind: Any) -> None:
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        wanted = getattr(kind, "__name__", "a number")
        raise ConfigError(f"{path}: {where} should be {wanted}, got {type(value).__name__} {value!r}")


def _table(path: Path, raw: dict[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key, {})
    _typed(path, f"[{key}]", value, dict)
    return dict(value)


def _section(path: Path, raw: dict[str, Any], name: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """A table all of whose keys and types are known."""
    found = _table(path, raw, name)
    _known(path, f"[{name}]", found, keys)
    for key, value in found.items():
        _typed(path, f"[{name}] {key}", value, keys[key])
    return found


def _tables(path: Path, raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ConfigError(f"{path}: write each {key} under its own  [[{key}]]")
    return value
