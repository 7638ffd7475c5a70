"""A unit is its content, not its name; a medium travels through many places."""

import shutil

import pytest

from studium import Corpus, sources
from studium.errors import InputError


def test_three_files_of_one_name_are_three_rows(tmp_path, photos):
    for place, photo in {"a/1.jpg": "china.jpg", "b/1.jpg": "flower.jpg", "a/1.png": "coffee.png"}.items():
        (tmp_path / "in" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / photo, tmp_path / "in" / place)
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(tmp_path / "in"))
    corpus.measure("pdq", of="image")
    table = corpus.table("image", "pdq")
    assert table.num_rows == 3
    assert len(set(table["pdq"].to_pylist())) == 3


def test_the_same_bytes_twice_are_one_unit_with_two_attachments(tmp_path, photos):
    for place in ("a/1.jpg", "b/copy.jpg"):
        (tmp_path / "in" / place).parent.mkdir(parents=True)
        shutil.copy(photos / "china.jpg", tmp_path / "in" / place)
    corpus = Corpus(tmp_path / "study")
    added = corpus.add(sources.folder(tmp_path / "in"))
    assert (added.found["image"], added.units["image"], added.attachments) == (2, 1, 2)
    assert corpus.units("image").num_rows == 1
    assert sorted(corpus.attachments()["label"].to_pylist()) == ["a", "b"]


def test_adding_again_adds_nothing_and_a_moved_file_is_found_again(tmp_path, study):
    corpus = Corpus(study)
    first = corpus.add(sources.folder(study / "images"))
    again = Corpus(study).add(sources.folder(study / "images"))
    assert (first.units["image"], again.units["image"], again.attachments) == (4, 0, 0)
    shutil.move(study / "images" / "thing" / "coffee.png", study / "images" / "living" / "cup.png")
    corpus.measure("pdq", of="image")
    assert corpus.failures()["error"].to_pylist() == ["UnreadableFileError"]
    moved = corpus.add(sources.folder(study / "images"))
    assert (moved.units["image"], moved.attachments) == (0, 1)
    corpus.measure("pdq", of="image", retry=True)
    assert corpus.failures().num_rows == 0
    assert corpus.table("image", "pdq").num_rows == 4


def test_a_file_that_changed_is_not_measured_under_its_old_name(study):
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    shutil.copy(study / "images" / "living" / "flower.jpg", study / "images" / "thing" / "rocket.jpg")
    corpus.measure("pdq", of="image")
    failed = corpus.failures().to_pylist()
    assert [row["path"] for row in failed] == ["images/thing/rocket.jpg"]
    assert "changed since it was added" in failed[0]["message"]
    assert corpus.table("image", "pdq")["pdq"].null_count == 1


def test_one_medium_in_two_posts(tmp_path, photos):
    shutil.copy(photos / "china.jpg", tmp_path / "x.jpg")
    shutil.copy(photos / "flower.jpg", tmp_path / "y.jpg")
    (tmp_path / "posts.csv").write_text("id,text,media\n001,one,x.jpg\n002,two,x.jpg;y.jpg\n")
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.posts(tmp_path / "posts.csv", media="media"))
    assert corpus.units("image").num_rows == 2
    assert corpus.posts()["id"].to_pylist() == ["001", "002"]
    posts = dict(zip(corpus.posts()["unit"].to_pylist(), corpus.posts()["id"].to_pylist(), strict=True))
    found = [(posts[row["post"]], row["position"], row["path"]) for row in corpus.attachments().to_pylist()]
    names = [(post, position, path.rsplit("/", 1)[-1]) for post, position, path in found]
    assert names == [("001", 0, "x.jpg"), ("002", 0, "x.jpg"), ("002", 1, "y.jpg")]


def test_a_study_behind_a_link_keeps_its_paths_to_itself(tmp_path, study):
    (tmp_path / "link").symlink_to(study)
    Corpus(tmp_path / "link").add(sources.folder(tmp_path / "link" / "images"))
    paths = Corpus(study).units("image")["path"].to_pylist()
    assert all(path.startswith("images/") for path in paths)
    assert Corpus(study).add(sources.folder(study / "images")).attachments == 0


def test_what_was_measured_on_media_is_rolled_up_to_posts(tmp_path, photos):
    shutil.copy(photos / "china.jpg", tmp_path / "x.jpg")
    shutil.copy(photos / "flower.jpg", tmp_path / "y.jpg")
    (tmp_path / "z.jpg").write_bytes(b"broken")
    (tmp_path / "posts.csv").write_text("id,text,media\n1,one,x.jpg\n2,two,x.jpg;y.jpg;z.jpg\n3,three,\n")
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.posts(tmp_path / "posts.csv", media="media"))
    corpus.measure("properties", "colour", of="image")
    paths = {
        row["path"].rsplit("/", 1)[-1]: row["brightness_mean"] for row in corpus.table("image", "colour").to_pylist()
    }
    rolled = corpus.rollup("post", of="image", by="colour", rules={"brightness_mean": "mean"}).to_pylist()
    assert [(row["n"], row["brightness_mean_missing"]) for row in rolled] == [(1, 0), (3, 1)]
    assert rolled[0]["brightness_mean"] == pytest.approx(paths["x.jpg"])
    assert rolled[1]["brightness_mean"] == pytest.approx((paths["x.jpg"] + paths["y.jpg"]) / 2)
    assert [row["post"] for row in rolled] == corpus.posts()["unit"].to_pylist()[:2]


def test_derived_units_are_rolled_up_to_their_parents(tmp_path):
    from studium.core.column import Column
    from studium.core.recipe import Recipe
    from studium.core.unit import Span, Unit, derived_id

    corpus = Corpus(tmp_path)
    videos = ["a" * 64, "b" * 64]
    frames = [(video, derived_id(video, "frame", Span(start=t))) for video in videos for t in (0, 1, 2)]
    corpus.store.add_units(Unit(video, "video", path=f"{video[0]}.mp4") for video in videos)
    corpus.store.add_units(Unit(frame, "frame", parent=video) for video, frame in frames)
    table = corpus.store.create("frame", Recipe("score", "1"), [Column("score", "float64", "a score")])
    table.append([frame for _, frame in frames[:5]], table.arrays({"score": [0.9, 0.2, 0.7, 0.1, 0.6]}))
    rolled = corpus.rollup("video", of="frame", by="score", rules={"score": "count>0.5"}).to_pylist()
    assert rolled == [
        {"video": videos[0], "n": 3, "score": 2, "score_missing": 0},
        {"video": videos[1], "n": 3, "score": 1, "score_missing": 1},
    ]


def test_a_post_that_changed_counts_in_its_later_version(tmp_path):
    corpus = Corpus(tmp_path / "study")
    for likes in (3, 3, 5):
        (tmp_path / "posts.csv").write_text(f"id,text,likes\n7,hello,{likes}\n8,bye,0\n")
        added = corpus.add(sources.posts(tmp_path / "posts.csv"))
    assert added.updated == 1
    assert corpus.posts()["likes"].to_pylist() == [5, 0]


def test_a_measure_says_which_kinds_it_fits(study):
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    with pytest.raises(
        InputError, match="pdq takes 'image', which a unit of kind 'post' does not offer; use image, frame"
    ):
        corpus.measure("pdq", of="post")
    with pytest.raises(InputError, match="parameters"):
        corpus.measure("pdq", "phash", of="image", longest=3)


def test_everything_is_queried_with_sql(study):
    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    corpus.measure("properties", "colour", of="image")
    query = "select label, count(*) as n from attachments join image_properties on unit = media group by 1 order by 1"
    assert corpus.sql(query).to_pylist() == [{"label": "living", "n": 2}, {"label": "thing", "n": 2}]
    with pytest.raises(InputError, match="nonsense"):
        corpus.sql("select * from nonsense")


def test_the_same_source_is_the_same_from_anywhere(study, monkeypatch):
    (study / "images" / "empty.jpg").touch()
    (study / "images" / "loop").symlink_to("loop")
    (study / "studium.toml").write_text('[[source]]\nfolder = "images"\n[[step]]\nmeasure = "pdq"\nof = "image"\n')
    Corpus(study).run()
    monkeypatch.chdir(study)
    Corpus().run()
    Corpus().add(sources.folder("images"))
    assert len(list((study / "sources").iterdir())) == 1
    assert Corpus().losses().num_rows == 1
    assert Corpus().units("image").num_rows == 5
    assert Corpus().failures()["message"].to_pylist() == ["images/empty.jpg: the file is empty"]


def folder_of(tmp_path, **files):
    (tmp_path / "in").mkdir(exist_ok=True)
    for name, data in files.items():
        (tmp_path / "in" / f"{name}.png").write_bytes(data)
    return sources.folder(tmp_path / "in")


def test_exchanged_names_follow_the_content(tmp_path, photos):
    one, two = (photos / "chelsea.png").read_bytes(), (photos / "coffee.png").read_bytes()
    corpus = Corpus(tmp_path / "study")
    corpus.add(folder_of(tmp_path, a=one, b=two))
    corpus.measure("pdq", of="image")
    before = {row["path"][-5:]: row["pdq"] for row in corpus.table("image", "pdq").to_pylist()}
    corpus.add(folder_of(tmp_path, a=two, b=one))
    corpus.measure("phash", of="image")
    assert corpus.failures().num_rows == 0
    after = {row["path"][-5:]: row["pdq"] for row in corpus.table("image", "pdq").to_pylist()}
    assert after == {"a.png": before["b.png"], "b.png": before["a.png"]}
    assert corpus.attachments().num_rows == 2


def test_what_no_source_names_any_more_leaves_the_study(tmp_path, photos):
    one, two = (photos / "chelsea.png").read_bytes(), (photos / "coffee.png").read_bytes()
    corpus = Corpus(tmp_path / "study")
    corpus.add(folder_of(tmp_path, a=one, b=two))
    corpus.measure("pdq", of="image")
    (tmp_path / "in" / "b.png").unlink()
    assert corpus.add(folder_of(tmp_path, a=one)).withdrawn == 1
    assert corpus.table("image", "pdq").num_rows == 1
    assert corpus.sql("select count(*) as n from image_pdq").to_pylist() == [{"n": 1}]
    assert corpus.sql("SELECT COUNT(*) AS n FROM IMAGE_PDQ").to_pylist() == [{"n": 1}]
    corpus.add(folder_of(tmp_path, b=two))
    assert corpus.measure("pdq", of="image").rows.total() == 0, "its rows were kept"
    assert corpus.table("image", "pdq").num_rows == 2


def test_media_that_a_post_no_longer_has_are_no_longer_attached(tmp_path, photos):
    for name, photo in {"a.jpg": "china.jpg", "b.jpg": "flower.jpg", "c.jpg": "rocket.jpg"}.items():
        shutil.copy(photos / photo, tmp_path / name)
    corpus = Corpus(tmp_path / "study")
    for cell in ("a.jpg;b.jpg", "b.jpg;a.jpg", "c.jpg"):
        (tmp_path / "posts.csv").write_text(f"id,text,media\n1,one,{cell}\n")
        corpus.add(sources.posts(tmp_path / "posts.csv", media="media"))
    corpus.measure("colour", of="image")
    rolled = corpus.rollup("post", of="image", by="colour", rules={"brightness_mean": "mean"})
    assert rolled["n"].to_pylist() == [1]


def test_a_text_that_changed_is_measured_again(tmp_path):
    corpus = Corpus(tmp_path / "study")
    tokens = []
    for text in ("hello", "hello", "a much longer text than before"):
        (tmp_path / "posts.csv").write_text(f"id,text\n1,{text}\n2,same\n")
        corpus.add(sources.posts(tmp_path / "posts.csv"))
        tokens.append(corpus.measure("embed_text", of="post").rows.total())
    assert tokens == [2, 0, 1]
    table = corpus.table("post", "embed_text")
    assert table.num_rows == 2
    assert table["tokens"].to_pylist()[0] > table["tokens"].to_pylist()[1]


def test_two_tables_of_the_same_posts_are_merged(tmp_path):
    (tmp_path / "a.csv").write_text("id,text,likes\n1,hello,3\n")
    (tmp_path / "b.csv").write_text("id,party\n1,green\n")
    corpus = Corpus(tmp_path / "study")
    for _ in range(2):
        corpus.add(sources.posts(tmp_path / "a.csv"))
        corpus.add(sources.posts(tmp_path / "b.csv", text=""))
    row = corpus.posts().to_pylist()[0]
    assert (row["text"], row["likes"], row["party"]) == ("hello", 3, "green")
    assert len(list((tmp_path / "study" / "units" / "post").glob("part-*"))) == 2, "and nothing grows"


def test_the_thumbnails_of_the_report_are_not_data(study):
    corpus = Corpus(study)
    corpus.add(sources.folder(study))
    corpus.report()
    assert list((study / "thumbs").rglob("*.webp"))
    corpus.add(sources.folder(study))
    assert corpus.units("image").num_rows == 4


def test_the_same_recipe_twice_is_measured_once(study):
    steps = (
        '[[step]]\nmeasure = ["phash", "pdq"]\nof = "image"\n[[step]]\nmeasure = "pdq"\nof = "image"\nlongest = 512\n'
    )
    (study / "studium.toml").write_text('[[source]]\nfolder = "images"\n' + steps)
    Corpus(study).run()
    assert Corpus(study).sql("select count(*) as n from image_pdq").to_pylist() == [{"n": 4}]


def test_a_study_file_means_its_own_tables(study):
    head = '[[source]]\nfolder = "images"\n'
    for longest in (512, 256, 512):
        step = f'[[step]]\nmeasure = "pdq"\nof = "image"\nlongest = {longest}\n'
        (study / "studium.toml").write_text(head + step + '[[step]]\nduplicates = "pdq"\nof = "image"\n')
        Corpus(study).run()
    with pytest.raises(InputError, match=r"say which: pdq:(512, pdq:256|256, pdq:512)"):
        Corpus(study).table("image", "pdq")


def test_two_threads_do_not_share_a_run(study):
    from concurrent.futures import ThreadPoolExecutor

    from studium.errors import BusyError

    corpus = Corpus(study)
    corpus.add(sources.folder(study / "images"))
    with corpus._recording("first"), ThreadPoolExecutor(1) as pool, pytest.raises(BusyError):
        pool.submit(corpus.measure, "pdq", of="image").result()
