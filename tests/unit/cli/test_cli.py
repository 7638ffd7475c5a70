"""The command line from the first command to the report, as a user types it."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from server import serve, status

STUDIUM = Path(sys.executable).with_name("studium")


def studium(*words: object, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    command = [str(STUDIUM), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def said(*words: object, cwd: Path | None = None) -> str:
    done = studium(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_a_study_by_hand(study, photos):
    assert "4 image found, 4 new units" in said("add", "folder", study / "images", "--study", study)
    assert "0 new attachments" in said("add", "folder", "images", "--study", ".", cwd=study)
    table = said("measure", "pdq", "embed", "--of", "image", "--study", study)
    assert table.splitlines()[0] == "table\tnew rows\tnew failures"
    assert [line.split("\t")[1:] for line in table.splitlines()[1:]] == [["4", "0"], ["4", "0"]]
    assert "nothing to do" in said("measure", "pdq", "--of", "image", "--study", study)
    assert "new rows" in said("measure", "embed", "--of", "image", "--set", "model=conse", "--study", study)
    assert "unassigned" in said("cluster", "--by", "embed:conse", "--set", "step=2", "--study", study)
    assert "0 groups" in said("duplicates", "--study", study)
    assert "4 units laid out" in said("map", "--by", "embed:conse", "--set", "method=pca", "--study", study)
    found = said("search", "--text", "a cat", "--by", "embed:conse", "-k", "1", "--study", study)
    assert found.splitlines()[1].endswith("images/living/chelsea.png")
    assert "image\t4" in said("status", "--study", study)
    assert "report/index.html" in said("report", "--study", study)
    assert "<html" in (study / "report" / "index.html").read_text(encoding="utf-8")[:200]


def test_videos_by_hand(tmp_path, videos):
    for name in ("bikes.mp4", "bigbuckbunny.mp4"):
        shutil.copy(videos / name, tmp_path)
    assert "2 video found, 2 new units" in said("add", "folder", tmp_path, "--study", tmp_path)
    table = said("split", "frames", "--of", "video", "--set", "every=2", "--study", tmp_path)
    assert table.splitlines()[1].endswith("\t2\t0")
    assert "shots-" in said("split", "shots", "--of", "video", "--study", tmp_path)
    assert "colour-" in said("measure", "colour", "--of", "frame", "--study", tmp_path)
    assert "frame\t8" in said("status", "--study", tmp_path)
    said("measure", "pdq", "embed", "--of", "frame", "--study", tmp_path)
    alike = said("duplicates", "--of", "frame", "--set", "threshold=256", "--study", tmp_path).splitlines()
    assert alike[0] == "group\tunit\tpath\tstart"
    assert "bikes.mp4\t" in "".join(alike)
    assert "nothing to do" in said("split", "shots", "--of", "video", "--study", tmp_path)
    wrong = studium("split", "frames", "--of", "video", "--study", tmp_path)
    assert wrong.returncode == 1
    assert "frames takes one of every (seconds), keyframes" in wrong.stderr


def test_urls_by_hand(tmp_path, videos):
    film = (videos / "carphone_pristine.mp4").read_bytes()
    with serve() as server:
        urls = [server.file("/a.mp4", film), server.answer("/gone.mp4", status(410))]
        (tmp_path / "urls.txt").write_text("\n".join(urls))
        added = said("add", "urls", tmp_path / "urls.txt", "--study", tmp_path)
        assert "2 new URLs; nothing was asked for yet" in added
        (tmp_path / "studium.toml").write_text("")
        assert "2 media named by URL wait" in studium("run", "--study", tmp_path).stderr
        assert server.log == []
        asked = ("download", "--contact", "ada@example.org", "--study", tmp_path)
        refused = said(*asked)
        assert "refused\t2" in refused or "failed\t2" in refused, "this machine is a private address"
        assert server.log == []
        done = said(*asked, "--retry", "--set", "allow_private=true", "--set", "per_second=50")
        assert "done\t1" in done
        assert "gone\t1" in done
        assert "nothing to ask for" in said(*asked, "--set", "allow_private=true")
    assert "video\t1" in said("status", "--study", tmp_path)
    nobody = studium("download", "--study", tmp_path)
    assert nobody.returncode == 2
    assert "--contact" in nobody.stderr
    twice = studium(*asked, "--set", "contact=ben@example.org")
    assert twice.returncode == 2
    assert "'contact' has an option of its own" in twice.stderr


def test_a_study_by_its_file(tmp_path, photos):
    folder = tmp_path / "new study"
    assert "studium.toml" in said("init", folder)
    again = studium("init", folder)
    assert again.returncode == 1
    assert "is there already" in again.stderr
    empty = studium("run", "--study", folder)
    assert (empty.returncode, empty.stdout) == (0, "")
    assert "kinds: none yet, and steps of studium.toml are of image; put files where" in empty.stderr
    for name in ("chelsea.png", "coffee.png", "china.jpg", "flower.jpg", "rocket.jpg", "astronaut.png"):
        shutil.copy(photos / name, folder / "images")
    (folder / "images" / "broken.jpg").write_bytes(b"no")
    first = said("run", "--study", folder)
    assert "embed-" in first
    assert "nothing to do" in said("run", "--study", folder)
    assert len(list((folder / "runs").glob("*.json"))) == 3
    assert (folder / "tables" / "image").is_dir()


def test_a_source_that_the_study_file_does_not_name_is_told_as_it_would_stand_there(tmp_path):
    said("init", tmp_path / "s")
    (tmp_path / "s" / "posts.csv").write_text("post_id;text\n1;hello\n", encoding="utf-8")
    asked = ("add", "posts", tmp_path / "s" / "posts.csv", "--set", "id=post_id", "--study", tmp_path / "s")
    done = said(*asked)
    assert "studium.toml does not name it yet" in done
    entry = done[done.index("[[source]]") :]
    assert tomllib.loads(entry) == {"source": [{"posts": "posts.csv", "id": "post_id"}]}
    with (tmp_path / "s" / "studium.toml").open("a", encoding="utf-8") as file:
        file.write(entry)
    assert "does not name it" not in said(*asked)
    ran = studium("run", "--study", tmp_path / "s")
    assert (ran.returncode, "kinds: post, and steps of studium.toml are of image" in ran.stderr) == (0, True)


def test_losses_are_said_when_adding(tmp_path):
    (tmp_path / "posts.csv").write_text("id,text,media\n1,hello,gone.jpg\n")
    done = studium("add", "posts", tmp_path / "posts.csv", "--set", "media=media", "--study", tmp_path / "s")
    assert done.returncode == 0
    assert "1 losses" in done.stdout
    assert "lost: 1 x UnreadableFileError" in done.stderr
    assert "gone.jpg" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run"], 1, "ConfigError: no study in"),
        (
            ["measure", "beauty", "--of", "image"],
            1,
            "UnknownNameError: no measure named 'beauty'; there are: actions, aesthetics",
        ),
        (["measure", "pdq", "--of", "picture"], 1, "InputError: unknown kind of unit 'picture'"),
        (["measure", "tags", "--of", "image", "--set", "top"], 2, "expected KEY=VALUE"),
        (["measure", "tags", "--of", "image", "--set", "of=post"], 2, "'of' is reserved"),
        (["cluster", "--set", "by=embed"], 2, "'by' is reserved"),
        (["duplicates", "--set", "self=1"], 2, "'self' is reserved"),
        (["add", "posts", "x.csv", "--set", " path =y.csv"], 2, "'path' is reserved"),
        (["measure", "tags", "--of", "image", "--set", "tip=3"], 1, "tags has no parameter tip"),
        (["measure", "pdq"], 2, "Missing option '--of'"),
        (["status"], 1, "ConfigError: no study in"),
        (["measure", "tags", "--of", "image", "--set", "top=many"], 1, "tags: top should be int, got str 'many'"),
        (["cluster", "--set", "step=x"], 1, "no table 'embed'"),
        (["cluster"], 1, "UnknownNameError: no table 'embed' of image units; there are: none"),
        (["search"], 1, "exactly one of text, image, unit"),
        (["add", "website", "x"], 1, "no source named 'website'; there are: folder, fourcat, posts, urls"),
        (["add", "folder", "nowhere"], 1, "SourceError"),
        (["models", "pull", "gpt"], 1, "no model named 'gpt'; there are:"),
        (["dance"], 2, "No such command 'dance'"),
    ],
)
def test_mistakes_are_one_line_and_a_code(tmp_path, words, code, says):
    if words not in (["run"], ["status"]):
        (tmp_path / "units").mkdir()
    done = studium(*words, cwd=tmp_path)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_verbose_shows_where_an_error_came_from(tmp_path):
    done = studium("-v", "run", cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_doctor_says_what_is_there():
    told = said("doctor")
    assert "extra images\tok" in told
    assert "sources\tfolder, fourcat, posts, urls" in told
    project = tomllib.loads(Path(__file__).parents[3].joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in project["optional-dependencies"].keys() - {"all"}:
        assert f"extra {extra}\tok" in told, extra


def test_help_lists_the_verbs_in_the_order_of_a_study():
    told = said("--help")
    verbs = [line.split()[0] for line in told.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    verbs = [verb for verb in verbs if verb.isalpha() and f"\n  {verb} " in told]
    expected = "init add measure cluster search duplicates map run status report models doctor"
    assert [verb for verb in verbs if verb in expected.split()] == expected.split()
    assert "..." not in told.partition("Commands:")[2], "whole sentences"
    assert said() == told, "no command is a call for help"
