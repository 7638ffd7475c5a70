"""Actions: the numbers of transformers' own pipeline, on frames evenly spread over the stretch."""

import dataclasses

import av
import checkpoints
import numpy as np
import pytest
import transformers

from studium import Corpus, sources
from studium.core.protocols import Unitizer
from studium.core.recipe import recipe_of
from studium.core.unit import Span
from studium.errors import DamagedStreamError, InputError, MediaError, UnknownNameError
from studium.measure.actions import Actions, clip_times
from studium.media.reader import Reader
from studium.media.video import Video
from studium.networks.hub import checkpoint
from studium.testing import check_measure

ALL = len(checkpoints.LABELS)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Names of tiny checkpoints, by architecture."""
    top = tmp_path_factory.mktemp("checkpoints")
    return {name: str(checkpoints.write(top / name, name)) for name in checkpoints.ARCHITECTURES}


@pytest.fixture(scope="module")
def model(saved):
    return saved["VideoMAE"]


def encode(path, frames, rate=25, codec="libx264rgb", **options):
    """A lossless video of RGB frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"crf": "0", **options})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return path


def pictures(number, seed=1):
    """Coloured noise, coarse enough to survive scaling."""
    coarse = np.random.default_rng(seed).integers(0, 256, (number, 6, 8, 3), dtype=np.uint8)
    return list(coarse.repeat(8, axis=1).repeat(8, axis=2))


def pipeline_of(model):
    found = checkpoint(model, "VideoClassification")
    return transformers.VideoClassificationPipeline(model=found.network, image_processor=found.processor)


def by_name(rows, number=0):
    return dict(zip(rows["actions"][number], rows["actions_prob"][number].tolist(), strict=True))


def scores(found):
    return {one["label"]: one["score"] for one in found}


class TestTimes:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ((0, 4, 1, None, 4), [[0.5, 1.5, 2.5, 3.5]]),
            ((10, 14, 1, None, 4), [[10.5, 11.5, 12.5, 13.5]]),
            ((0, 4, 2, None, 2), [[0.5, 1.5], [2.5, 3.5]]),
            ((0, 8, 2, 2, 2), [[1.5, 2.5], [5.5, 6.5]]),
            ((0, 4, 2, 3, 3), [[0.5, 1.5, 2.5], [1.5, 2.5, 3.5]]),  # moved to lie within the stretch
            ((0, 1, 2, 5, 2), [[0.25, 0.75], [0.25, 0.75]]),  # longer than the stretch: all of it
            ((0, 0, 1, None, 2), [[0, 0]]),
        ],
    )
    def test_known_answers(self, asked, expected):
        assert clip_times(*asked) == pytest.approx(np.array(expected))

    def test_lie_within_the_stretch(self):
        rng = np.random.default_rng(1)
        for _ in range(500):
            start, length, seconds = rng.uniform(0, 100, 3)
            clips, frames = rng.integers(1, 20, 2)
            times = clip_times(start, start + length, clips, seconds, frames)
            assert times.shape == (clips, frames)
            assert np.all((times > start) & (times < start + length))
            assert np.all(np.diff(times.mean(axis=1)) >= -1e-9)


def test_none(model):
    rows = Actions(model)([])
    assert list(rows) == [column.name for column in Actions(model).columns]
    assert [len(values) for values in rows.values()] == [0, 0, 0, 0]


@pytest.mark.parametrize("architecture", checkpoints.ARCHITECTURES)
def test_is_the_pipeline_from_file_to_number(saved, architecture, tmp_path, recwarn):
    path = encode(tmp_path / "four.mp4", pictures(4))
    expected = pipeline_of(saved[architecture])(str(path), top_k=ALL)
    rows = Actions(saved[architecture], k=ALL)([Video(path)])
    assert by_name(rows) == pytest.approx(scores(expected), abs=1e-5)
    assert rows["action"] == [expected[0]["label"]]
    assert rows["action_probability"][0] == pytest.approx(expected[0]["score"], abs=1e-5)
    assert sum(by_name(rows).values()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("architecture", checkpoints.ARCHITECTURES)
@pytest.mark.parametrize(
    ("name", "stretch"), [("bikes.mp4", (0, None)), ("carphone_pristine.mp4", (1, 2)), ("bigbuckbunny.mp4", (0, 0.5))]
)
def test_is_the_pipeline_on_the_same_frames(saved, architecture, videos, name, stretch):
    pipeline = pipeline_of(saved[architecture])
    video = Video(videos / name, *stretch)
    end = video.info.duration if video.end is None else video.end
    reader = Reader(video.path)
    frames = [reader.at(video.start + (end - video.start) * part).rgb(540) for part in (1 / 8, 3 / 8, 5 / 8, 7 / 8)]
    reader.close()
    pixels = pipeline.image_processor(frames, return_tensors="pt")
    expected = scores(pipeline.postprocess(pipeline.forward(pixels), top_k=ALL))
    assert by_name(Actions(saved[architecture], k=ALL)([video])) == pytest.approx(expected, abs=1e-5)


def test_the_tiny_networks_tell_videos_apart(model, videos):
    """Else the comparisons above would hold for anything."""
    batch = [Video(videos / name, 0, 1) for name in ("bikes.mp4", "carphone_pristine.mp4")]
    one, other = (by_name(Actions(model, k=ALL)(batch), number) for number in (0, 1))
    assert max(abs(one[name] - other[name]) for name in one) > 0.01


def test_the_most_probable_first(model, videos):
    rows = Actions(model, k=3)([Video(videos / "bikes.mp4"), Video(videos / "bikes.mp4", 2, 3)])
    assert rows["actions_prob"].shape == (2, 3)
    assert rows["actions_prob"].dtype == rows["action_probability"].dtype == np.float32
    assert np.all(np.diff(rows["actions_prob"], axis=1) <= 0)
    assert rows["action"] == [row[0] for row in rows["actions"]]
    assert rows["action_probability"].tolist() == rows["actions_prob"][:, 0].tolist()


def test_clips_are_averaged(model, videos):
    bikes = videos / "bikes.mp4"
    both = by_name(Actions(model, k=ALL, clips=2)([Video(bikes, 0, 8)]))
    halves = Actions(model, k=ALL)([Video(bikes, 0, 4), Video(bikes, 4, 8)])
    mean = {name: (by_name(halves, 0)[name] + by_name(halves, 1)[name]) / 2 for name in both}
    assert both == pytest.approx(mean, abs=1e-6)
    short = Actions(model, k=ALL, clips=2, seconds=1)([Video(bikes, 0, 8)])
    pieces = Actions(model, k=ALL)([Video(bikes, 1.5, 2.5), Video(bikes, 5.5, 6.5)])
    mean = {name: (by_name(pieces, 0)[name] + by_name(pieces, 1)[name]) / 2 for name in both}
    assert by_name(short) == pytest.approx(mean, abs=1e-6)


def test_keeps_the_contract(model, videos):
    batch = [Video(videos / name, 0, 1) for name in ("bikes.mp4", "carphone_pristine.mp4", "bigbuckbunny.mp4")]
    check_measure(Actions(model, k=ALL), batch)


class TestShort:
    @pytest.mark.parametrize("number", [1, 2])
    def test_frames_are_repeated(self, model, tmp_path, number):
        few = pictures(number)
        short = encode(tmp_path / "short.mp4", few)
        full = encode(tmp_path / "full.mp4", [few[i * number // 4] for i in range(4)])
        rows = Actions(model, k=ALL)([Video(short), Video(full)])
        assert by_name(rows, 0) == by_name(rows, 1)

    def test_a_shot_of_one_frame(self, model, videos):
        rows = Actions(model)([Video(videos / "bikes.mp4", 1.0, 1.04)])
        assert 0 < rows["action_probability"][0] <= 1

    def test_pictures_that_begin_later(self, model, tmp_path):
        """The first instant of the file is that of its sound; the stretch is that of its pictures."""
        frames = pictures(4)
        late, plain = tmp_path / "late.mkv", encode(tmp_path / "plain.mp4", frames)
        with av.open(str(late), "w") as container:
            sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
            stream = container.add_stream("libx264rgb", rate=25, options={"crf": "0"})
            stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "rgb24"
            block = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.int16), "s16", "mono")
            block.sample_rate, block.pts = 16000, 0
            container.mux(sound.encode(block))
            for number, frame in enumerate(frames):
                raw = av.VideoFrame.from_ndarray(frame, "rgb24")
                raw.pts = 12 + number
                container.mux(stream.encode(raw))
            container.mux(stream.encode())
        rows = Actions(model, k=ALL)([Video(late, 0, 0.64), Video(plain)])
        assert by_name(rows, 0) == by_name(rows, 1)

    def test_a_file_that_does_not_say_how_long_it_is(self, model, tmp_path):
        frames = pictures(4)
        with (tmp_path / "stream.mkv").open("wb") as file:
            pipe = type("Pipe", (), {"write": lambda _, data: file.write(data)})()
            with av.open(pipe, "w", format="matroska") as container:
                stream = container.add_stream("libx264rgb", rate=25, options={"crf": "0"})
                stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "rgb24"
                for frame in frames:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
                container.mux(stream.encode())
        video = Video(tmp_path / "stream.mkv")
        assert video.info.duration is None
        rows = Actions(model, k=ALL)([video, Video(encode(tmp_path / "plain.mp4", frames))])
        assert by_name(rows, 0) == by_name(rows, 1)


class TestHostile:
    @pytest.mark.parametrize("stretch", [(100.0, None), (100.0, 101.0), (0.01, 0.02)])
    def test_a_stretch_without_frames(self, model, videos, stretch):
        with pytest.raises(MediaError):
            Actions(model)([Video(videos / "bikes.mp4", *stretch)])

    def test_no_frames(self, model, tmp_path):
        with av.open(str(tmp_path / "none.mkv"), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            container.start_encoding()
        for name, content in {"empty.mp4": b"", "text.mp4": b"not a video\n" * 100}.items():
            (tmp_path / name).write_bytes(content)
        for name in ("none.mkv", "empty.mp4", "text.mp4", "gone.mp4"):
            with pytest.raises(MediaError, match=name):
                Actions(model)([Video(tmp_path / name)])

    def test_a_file_that_breaks_off(self, model, videos, tmp_path):
        content = (videos / "bikes.mp4").read_bytes()
        path = tmp_path / "half.mp4"
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(MediaError):
            Actions(model)([Video(path)])
        assert issubclass(DamagedStreamError, MediaError)


class TestParameters:
    def test_nothing_is_loaded_to_say_what_it_makes(self):
        part = Actions()
        assert part.models == ("videomae-kinetics",)
        assert [(c.name, c.size) for c in part.columns] == [
            ("action", None), ("action_probability", None), ("actions", 5), ("actions_prob", 5),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "wrong", [{"k": 0}, {"k": 1.5}, {"clips": 0}, {"seconds": 0.0}, {"seconds": -1}, {"seconds": float("nan")}]
    )
    def test_impossible_ones(self, wrong):
        with pytest.raises(InputError, match=f"actions: {next(iter(wrong))}"):
            Actions(**wrong)

    def test_unknown_models(self):
        with pytest.raises(UnknownNameError, match="videomae-kinetics"):
            Actions("videomae")
        with pytest.raises(InputError, match="minilm is no checkpoint"):
            Actions("minilm")

    def test_more_classes_than_there_are(self, model):
        with pytest.raises(InputError, match="has 6 classes; k should be no more, got 7"):
            Actions(model, k=7).prepare()

    def test_several_labels_a_video(self, tmp_path):
        name = str(checkpoints.write(tmp_path / "many", problem_type="multi_label_classification"))
        with pytest.raises(InputError, match="multi_label_classification"):
            Actions(name).prepare()


def test_the_recipe_is_that_of_the_weights(model, tmp_path):
    parts = [Actions(model), Actions(str(checkpoints.write(tmp_path / "other", seed=3)))]
    prints = [recipe_of(part).models[part.model] for part in parts]
    assert prints[0] != prints[1]
    checkpoints.write(tmp_path / "other", seed=1)
    assert recipe_of(parts[1]).models[parts[1].model] == prints[0]


def test_in_a_study(model, videos, tmp_path):
    """Videos in worker processes; shots in this one, for parts that are typed in here cannot be imported there."""

    @dataclasses.dataclass(frozen=True)
    class Halves(Unitizer):
        name, version, takes, makes = "halves", "1", "video", "shot"

        def __call__(self, media):
            return [Span(0.0, 1.0), Span(1.0, 2.0)]

    class Typed(Actions):
        pass

    (tmp_path / "films").mkdir()
    for name in ("bikes.mp4", "carphone_pristine.mp4"):
        (tmp_path / "films" / name).symlink_to(videos / name)
    (tmp_path / "films" / "broken.mp4").write_bytes(b"not a video\n" * 100)
    corpus = Corpus(tmp_path / "study")
    corpus.add(sources.folder(tmp_path / "films"))
    part = Actions(model, k=2, clips=2)
    assert sum(corpus.measure(part, of="video").rows.values()) == 2
    assert sum(corpus.measure(part, of="video").rows.values()) == 0
    found = [row for row in corpus.table("video", "actions").to_pylist() if row["action"]]
    alone = part([Video(videos / name) for name in ("bikes.mp4", "carphone_pristine.mp4")])
    assert sorted(row["action_probability"] for row in found) == sorted(alone["action_probability"].tolist())
    assert all(row["actions"][0] == row["action"] for row in found)
    corpus.split(Halves(), of="video")
    corpus.measure(Typed(model), of="shot")
    shots = [row["action_probability"] for row in corpus.table("shot", "actions").to_pylist()]
    films = ("bikes.mp4", "carphone_pristine.mp4")
    alone = Actions(model)([Video(videos / name, start, start + 1) for name in films for start in (0.0, 1.0)])
    assert sorted(p for p in shots if p) == sorted(alone["action_probability"].tolist())
