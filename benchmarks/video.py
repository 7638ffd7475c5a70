"""One pass over a video: uniform sampling and shot detection, beside the decoder's own limit and what others use.

    python benchmarks/video.py [--rounds 5] [--seconds 60] [--turns 30]

The clip: bigbuckbunny.mp4 (1280 x 720, H.264, 25 frames/s) put end to end without encoding it again. Every contender
runs in a process of its own, in turns, and says how many frames it saw. Printed are medians over the rounds of CPU
seconds and of wall-clock seconds, and of the limit's time divided by the contender's within a round. The limit is PyAV
decoding every frame in one thread, as a run of many videos does on every core, and doing nothing with it. "Sampling" is
one RGB frame for every 2 seconds, full size.

Others on a machine disturb rounds of several seconds by more than what is asked, and so does where the memory of a
process comes to lie. So the passes over every frame are also set against the limit in turns of a third of the clip,
each in a process of its own, in random order: the ratio of the medians of CPU time, that of the lower quartiles, and
the median of the ratios within a turn.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def clip(path: Path, seconds: float) -> None:
    """The same film again and again, packets copied."""
    import av
    import fetch

    source = fetch.videos() / "bigbuckbunny.mp4"
    with av.open(str(path), "w") as out:
        stream, offset = None, 0
        while stream is None or float(offset * stream.time_base) < seconds:
            with av.open(str(source)) as container:
                pictures = container.streams.video[0]
                stream = stream or out.add_stream_from_template(pictures)
                for packet in container.demux(pictures):
                    if packet.dts is not None:
                        packet.pts += offset
                        packet.dts += offset
                        packet.stream = stream
                        out.mux(packet)
                offset += pictures.duration


def limit(path: str) -> int:
    import av

    with av.open(path) as container:
        container.streams.video[0].thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def threads(path: str) -> int:
    import av

    with av.open(path) as container:
        container.streams.video[0].thread_type = "FRAME"
        return sum(1 for _ in container.decode(video=0))


def shots(path: str) -> int:
    from studium.media.video import Video
    from studium.media.watch import watch
    from studium.unitize.shots import Shots

    (spans,), _ = watch(Video(path), [Shots()])
    return sum(span.values["frames"] for span in spans)


def grey(path: str) -> int:
    from studium.media.video import Video

    return sum(1 for frame in Video(path).frames() if frame.grey(32, 32) is not None)


def sampling(path: str) -> int:
    from studium.media.reader import Reader
    from studium.media.video import Video
    from studium.unitize.frames import Frames

    reader = Reader(Path(path))
    spans = list(Frames(every=2.0)(Video(path)))
    return sum(reader.at(span.start).rgb() is not None for span in spans if span.start is not None)


def opencv_loop(path: str) -> int:
    import cv2

    capture, seen = cv2.VideoCapture(path), 0
    while capture.read()[0]:
        seen += 1
    return seen


def opencv_grey(path: str) -> int:
    import cv2

    capture, seen = cv2.VideoCapture(path), 0
    while True:
        read, frame = capture.read()
        if not read:
            return seen
        cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
        seen += 1


def scenedetect(path: str) -> int:
    from scenedetect import AdaptiveDetector, SceneManager, open_video

    video, manager = open_video(path), SceneManager()
    manager.add_detector(AdaptiveDetector())
    manager.detect_scenes(video)
    return int(video.frame_number)


def decord_sampling(path: str) -> int:
    import decord

    reader = decord.VideoReader(path)
    step = round(2 * reader.get_avg_fps())
    return len(reader.get_batch(list(range(0, len(reader), step))).asnumpy())


def opencv_sampling(path: str) -> int:
    import cv2

    capture, seen, number = cv2.VideoCapture(path), 0, 0
    step = round(2 * capture.get(cv2.CAP_PROP_FPS))
    while capture.grab():
        if number % step == 0:
            seen += capture.retrieve()[0]
        number += 1
    return seen


PASSES: dict[str, Callable[[str], int]] = {
    "the limit: PyAV decodes every frame": limit,
    "PyAV with frame threads": threads,
    "studium: every frame to 32 x 32 grey": grey,
    "studium: shots": shots,
    "OpenCV: read every frame": opencv_loop,
    "OpenCV: every frame to 32 x 32 grey": opencv_grey,
    "PySceneDetect: adaptive": scenedetect,
    "studium: sampling": sampling,
    "OpenCV: sampling (grab, retrieve)": opencv_sampling,
    "decord: sampling": decord_sampling,
}


def once(name: str, path: str) -> dict[str, float]:
    """One contender in a process of its own: its clocks start once everything is imported and warm."""
    command = [sys.executable, __file__, "--one", name, "--clip", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1]}  # type: ignore[dict-item]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one(name: str, path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder, "warm.mp4")
        clip(warm, 1)
        PASSES[name](str(warm))
    time.sleep(0.3)  # threads of the libraries that were imported spin a while before they rest
    wall, cpu = time.perf_counter(), time.process_time()
    frames = PASSES[name](path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"frames": frames, "wall": wall, "cpu": cpu, "memory": memory}))


def turns(path: str, count: int) -> None:
    """The limit and studium's passes over every frame, in short turns."""
    names = [name for name in PASSES if PASSES[name] in (limit, grey, shots)]
    times = {name: np.zeros(count) for name in names}
    for turn in range(count):
        for name in random.sample(names, len(names)):
            times[name][turn] = once(name, path)["cpu"]
    print(f"\n{f'{count} turns each, CPU time of the limit by that of':54}{'medians':>9}{'quartiles':>11}{'within':>8}")
    best = times[names[0]]
    for name in names[1:]:
        ratios = [np.quantile(best, at) / np.quantile(times[name], at) for at in (0.5, 0.25)]
        print(f"{name:54}{ratios[0]:9.3f}{ratios[1]:11.3f}{np.median(best / times[name]):8.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--turns", type=int, default=30, help="short turns; 0 for none")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--clip", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        one(args.one, args.clip)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "clip.mp4"))
        clip(Path(path), args.seconds)
        rounds = [{name: once(name, path) for name in PASSES} for _ in range(args.rounds)]
        if rounds:
            report(rounds)
        if args.turns:
            clip(Path(folder, "short.mp4"), args.seconds / 3)
            turns(str(Path(folder, "short.mp4")), args.turns)


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    first = next(iter(PASSES))
    print(f"{'':40}{'frames':>8}{'CPU s':>8}{'wall s':>8}{'CPU, of limit':>15}{'wall, of limit':>16}{'MB':>7}")
    for name in PASSES:
        rows = [r[name] for r in rounds]
        if "error" in rows[0]:
            print(f"{name:40} not run: {rows[0]['error']}")
            continue
        cpu, wall = (statistics.median(row[key] for row in rows) for key in ("cpu", "wall"))
        ratio_cpu, ratio_wall = (
            statistics.median(r[first][key] / r[name][key] for r in rounds) for key in ("cpu", "wall")
        )
        memory = max(row["memory"] for row in rows)
        print(f"{name:40}{rows[0]['frames']:8}{cpu:8.2f}{wall:8.2f}{ratio_cpu:15.2f}{ratio_wall:16.2f}{memory:7.0f}")


if __name__ == "__main__":
    main()
