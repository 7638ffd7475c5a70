"""The manual is true: everything has its place in it, what it shows runs, generated pages are in step, links lead."""

import dataclasses
import importlib
import inspect
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import studium
from studium import errors
from studium.cli import cli
from studium.core import config, registry
from studium.explore.cluster import Iterative
from studium.server.routes import MODULES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OWN = ROOT / "examples" / "own_measure"
PAGES = sorted(DOCS.glob("*.md"))
READ = [ROOT / "README.md", *PAGES]
BLOCK = re.compile(
    r"(?:<!-- not run: (?P<why>.+?) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
RUN = ("README.md", "docs/folder-of-images.md", "docs/posts-table.md", "docs/zero-shot.md")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
POSTS = """\
post_id,caption,file,author,date,likes
1790000000000000001,A cat and a dahlia,images/living/chelsea.png;images/living/flower.jpg,ada,2024-05-01T10:00:00Z,12
1790000000000000002,Coffee,images/thing/coffee.png,ben,2024-05-02T08:30:00Z,7
1790000000000000003,Not available any more,images/gone.jpg,ben,2024-05-03T21:15:00Z,0
"""


@pytest.fixture(scope="module")
def reference():
    """The script that writes the generated pages."""
    sys.path.insert(0, str(DOCS))
    try:
        import reference
    finally:
        sys.path.remove(str(DOCS))
    return reference


@pytest.fixture
def plugin(tmp_path) -> Path:
    """The example measure installed by itself: its module, and the metadata that an installer makes of its project."""
    project = tomllib.loads((OWN / "pyproject.toml").read_text())["project"]
    folder = tmp_path / "installed"
    info = folder / f"own_measure-{project['version']}.dist-info"
    info.mkdir(parents=True)
    shutil.copy(OWN / "graphic.py", folder)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()) for group, points in groups]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return folder


def blocks(page: Path, *kinds: str) -> Iterator[tuple[str, str]]:
    """Kind and text of the code blocks that are run."""
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["kind"] in kinds and not match["why"]:
            yield match["kind"], match["text"]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(BLOCK, "", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# everything has its place


@pytest.mark.parametrize("name", ["measures.md", "unitizers.md", "models.md", "command-line.md"])
def test_generated_pages_are_in_step(reference, name):
    assert set(reference.PAGES) == {"measures.md", "unitizers.md", "models.md", "command-line.md"}
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name](), "run  python docs/reference.py"


@pytest.mark.parametrize(
    ("group", "known"),
    [("measures", {"colour", "embed", "pdq", "zero_shot"}), ("unitizers", {"frames", "shots", "speech"})],
)
def test_every_part_and_every_column_is_described(reference, group, known):
    page = (DOCS / f"{group}.md").read_text(encoding="utf-8")
    parts = reference.built_in(group)
    assert known <= set(parts) <= set(registry.names(group))
    for name, part in parts.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for column in part(**reference.EXAMPLES.get(name, {})).columns:
            assert f"| `{column.name}` |" in section
        for field in dataclasses.fields(part):
            assert re.search(rf"^\| `{field.name}` \| .+ \| .+ \|$", section, re.MULTILINE), f"{name}: {field.name}"


def test_every_source_and_its_parameters_are_described(reference):
    study_file, posts = ((DOCS / name).read_text(encoding="utf-8") for name in ("study-file.md", "posts-table.md"))
    parts = reference.built_in("sources")
    assert set(parts) == {"folder", "fourcat", "posts", "urls", "youtube", "zeeschuimer"}
    for name, part in parts.items():
        row = next(line for line in study_file.splitlines() if line.startswith(f"| `{name}` |"))
        for field in dataclasses.fields(part):
            assert field.name == "path" or f"`{field.name}`" in row
    assert all(f"`{field.name}`" in posts for field in dataclasses.fields(parts["posts"]))


def test_every_command_is_described(reference):
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    found = dict(reference.commands())
    assert {"studium run", "studium models pull"} <= set(found)
    for name, command in found.items():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert r"\b" not in section, "an example that click takes for prose"
        assert all(option in section for parameter in command.params for option in parameter.opts if option[0] == "-")
    assert len(found) == sum(1 + len(getattr(c, "commands", ())) for c in cli.commands.values())


def test_every_key_of_the_study_file_is_described():
    page = (DOCS / "study-file.md").read_text(encoding="utf-8")
    keys = [
        *config._STUDY_KEYS,
        *config.VERBS,
        *(field.name for field in dataclasses.fields(Iterative)),
        "fast",
        "method",
    ]
    assert [key for key in keys if f"`{key}`" not in page] == []
    assert [key for key in config._TOP if f"`[{key}]`" not in page and f"`[[{key}]]`" not in page] == []


def test_the_tree_of_errors_is_the_one_in_the_code():
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    tree = inspect.cleandoc((errors.__doc__ or "").split("::", 1)[1])
    assert inspect.cleandoc(next(m["text"] for m in BLOCK.finditer(page))) == tree
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert named == set(errors.__all__) - {"StudiumError"}
    assert all(name in tree for name in errors.__all__)


def test_every_public_name_is_in_the_api():
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    directives = set(re.findall(r"auto(?:class|module|function):: (\S+)", page))
    assert {f"studium.{name}" for name in studium.__all__} <= directives
    assert "studium.testing" in directives


def test_every_route_of_the_api_is_named():
    told = (DOCS / "api-server.md").read_text(encoding="utf-8")
    modules = [importlib.import_module(f"studium.server.routes.{name}") for name in MODULES]
    routes = [(method, route.path) for module in modules for route in module.router.routes for method in route.methods]
    assert len(routes) > 40
    assert [(method, path) for method, path in routes if not re.search(rf"`{method}`?[^|\n]* {path}`", told)] == []


def test_every_page_is_in_the_contents():
    contents = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    assert {page.stem for page in PAGES} - {"index"} <= set(contents)


# links


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    found = LINK.findall(re.sub(BLOCK, "", page.read_text(encoding="utf-8")))
    for link in found:
        if not link.startswith("https://"):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}: no heading for {link}"


# what is shown runs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_that_is_not_run_is_python(page):
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["kind"] == "python":
            compile(match["text"], page.name, "exec")


@pytest.mark.parametrize("name", RUN)
def test_what_is_shown_runs_from_top_to_bottom(name, study, monkeypatch):
    monkeypatch.chdir(study)
    (study / "posts.csv").write_text(POSTS)
    run_all(ROOT / name, study)
    assert (study / "my-study" / "tables" / "image").is_dir()


def test_the_tutorial_runs_and_leaves_the_folder_it_describes(study, monkeypatch):
    monkeypatch.chdir(study)
    page = DOCS / "first-study.md"
    run_all(page, study)
    inside = {path.name for path in (study / "my-study").iterdir() if not path.name.startswith(".")}
    told = re.findall(r"`([a-z.]+)/?`", page.read_text().split("## What is in the folder")[1].split("## ")[0])
    assert inside == set(told)


def run_all(page: Path, study: Path) -> None:
    """Every block of Python and of studium's commands, in one namespace."""
    names: dict[str, object] = {}
    shown = list(blocks(page, "python", "sh"))
    assert shown
    for kind, text in shown:
        if kind == "python":
            exec(compile(text, page.name, "exec"), names)
        else:
            commands(text, study)


def commands(text: str, study: Path) -> None:
    """Run the lines that call studium; after ``init`` the pictures are where a reader puts them."""
    for line in text.splitlines():
        program, *words = shlex.split(line, comments=True)
        if program == "studium":
            result = CliRunner().invoke(cli, words, catch_exceptions=False)
            assert result.exit_code == 0, f"{line}: {result.output}"
            if words[0] == "init":
                shutil.copytree(study / "images", study / words[1] / "images", dirs_exist_ok=True)


def test_the_posts_of_the_page_are_those_of_the_test():
    assert POSTS in (DOCS / "posts-table.md").read_text(encoding="utf-8")


def test_study_files_on_all_pages_are_valid(tmp_path):
    texts = [t for page in PAGES for _, t in blocks(page, "toml") if "[[step]]" in t]
    assert len(texts) >= 2
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.toml"
        path.write_text(text)
        study = config.read(path)
        assert study.steps
        for step in study.steps:
            assert step.verb != "measure" or set(step.what) <= set(registry.names("measures"))


def test_commands_on_all_pages_exist(reference):
    known = dict(reference.commands())
    for page in READ:
        text = page.read_text(encoding="utf-8")
        shown = "\n".join(match["text"] for match in BLOCK.finditer(text) if match["kind"] == "sh")
        shown = shown.replace("\\\n", " ")
        said = re.sub(BLOCK, "", text)
        for call in re.findall(r"^studium .+", shown, re.MULTILINE) + re.findall(r"`(studium [a-z][^`]*)`", said):
            words = shlex.split(call, comments=True)
            name = next((n for n in (" ".join(words[:3]), " ".join(words[:2])) if n in known), None)
            assert name, f"{page.name}: {call}"
            options = {option for parameter in known[name].params for option in parameter.opts}
            used = {word for word in words if word.startswith("--")}
            assert used <= options, f"{page.name}: {call}"
            assert isinstance(known[name], click.Command)


# the example of one's own measure


def test_an_installed_measure_works_like_a_built_in_one(study, plugin, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(plugin))
    program = Path(sys.executable).with_name("studium")

    def run(*words: str) -> str:
        done = subprocess.run([program, *words, "--study", study], capture_output=True, text=True, check=True)
        return done.stdout

    studium.Corpus(study).add(studium.sources.folder(study / "images"))
    assert re.search(r"graphic-\w{8}\t4\t0", run("measure", "graphic", "--of", "image"))
    assert "nothing to do" in run("measure", "graphic", "--of", "image")
    assert re.search(r"graphic-\w{8}\t4\t0", run("measure", "graphic", "--of", "image", "--set", "jump=200"))
    rows = {Path(row["path"]).name: row for row in studium.Corpus(study).table("image", "graphic:100").to_pylist()}
    assert rows["chelsea.png"]["prevalent_colour"] < 0.01
    assert 0 < rows["coffee.png"]["colour_jumps"] < 1


def test_the_page_about_ones_own_measure_runs(monkeypatch):
    monkeypatch.syspath_prepend(str(OWN))
    names: dict[str, object] = {}
    page = DOCS / "write-your-own-measure.md"
    for _, text in blocks(page, "python"):
        exec(compile(text, page.name, "exec"), names)
    assert "graphic" in sys.modules
    assert tomllib.loads((OWN / "pyproject.toml").read_text())["project"]["entry-points"]["studium.measures"] == {
        "graphic": "graphic:Graphic"
    }


def test_the_tests_of_the_example_pass():
    command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", OWN]
    done = subprocess.run(command, cwd=OWN, env={"PYTHONPATH": str(OWN)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
