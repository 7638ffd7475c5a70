"""Spectrograms: a sound as a picture, time from left to right, frequency upwards, loud is bright."""

import io
import logging
import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from studium.errors import DamagedStreamError
from studium.measure import spectrum
from studium.measure.running import Framer
from studium.measure.sound import require_frames
from studium.media.audio import RATE, Sound

__all__ = ["spectrogram"]

log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 720, 200
"""Size of the field, in px; the axes lie around it."""
LEFT, TOP, RIGHT, BOTTOM = 44, 10, 66, 34
BANDS, RANGE = 128, 70
"""Mel bands from bottom to top, and what is shown, in dB below the loudest."""
CIVIDIS = (
    "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8c8878 9b9476 aba072 bcae6c cdbb63 dec958 f0d846 "
    "fee838"
)
"""A scale from dark blue to yellow that looks the same to the colour-blind: doi:10.1371/journal.pone.0199239."""
COLOURS, GREYS = 240, 16
"""Entries of the palette: of the scale, and from black to white for what is written."""
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000)
"""Seconds between two marks of the time axis."""


def spectrogram(sound: Sound) -> bytes:
    """Draw the mel spectrogram of a sound, of whatever length, in constant memory.

    Args:
        sound: decoded once, from beginning to end; of a damaged one what can be decoded is drawn.

    Returns:
        A PNG, 830 x 244 px, with time and frequency axes. Colours are dB below the loudest spot of this sound, so
        brightness cannot be compared between pictures; a silent sound is dark all over.

    Raises:
        MediaError: the file cannot be opened, has no sound, or less than 32 ms of it.
    """
    columns, framer = _Columns(), Framer(spectrum.FFT, spectrum.HOP)
    filters = spectrum.mel_filterbank(BANDS).T
    try:
        for block in sound.blocks():
            columns.add(np.abs(spectrum.stft(framer.cut(block.samples))) ** 2 @ filters)
    except DamagedStreamError as error:
        log.warning("%s", error)
    require_frames(sound, columns.n)
    begin = sound.start + (spectrum.FFT - spectrum.HOP) / 2 / RATE  # half a hop before the middle of the first frame
    return _png(_field(columns.mean()), begin, begin + columns.n * spectrum.HOP / RATE)


class _Columns:
    """Means of successive frames in at most 2 x WIDTH columns: when these are full, each two become one."""

    def __init__(self) -> None:
        self.n, self.per = 0, 1
        self.sums = np.zeros((2 * WIDTH, BANDS))

    def add(self, frames: Floats) -> None:
        """Take frames, (frames, bands)."""
        while self.n + len(frames) > len(self.sums) * self.per:
            self.sums = np.concatenate([self.sums[::2] + self.sums[1::2], np.zeros((WIDTH, BANDS))])
            self.per *= 2
        np.add.at(self.sums, (self.n + np.arange(len(frames))) // self.per, frames)
        self.n += len(frames)

    def mean(self) -> Floats:
        """(columns, bands)."""
        used = -(-self.n // self.per)
        sizes = np.full((used, 1), self.per)
        sizes[-1] = self.n - (used - 1) * self.per
        return np.asarray(self.sums[:used] / sizes)


def _field(power: Floats) -> npt.NDArray[np.uint8]:
    """The field of the picture as entries of the palette."""
    level = spectrum.decibel(power)
    silent = power.max() <= spectrum.SILENT
    shown = np.zeros_like(level) if silent else np.clip((level - level.max()) / RANGE + 1, 0, 1)
    plane = Image.fromarray(np.ascontiguousarray(shown.T[::-1], np.float32))
    scaled = np.asarray(plane.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    return np.asarray(np.rint(scaled * (COLOURS - 1)).astype(np.uint8))


def _png(field: npt.NDArray[np.uint8], begin: float, end: float) -> bytes:
    size = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM)
    written = Image.new("L", size, 255)
    draw = ImageDraw.Draw(written)
    draw.font = ImageFont.load_default(11)
    _frequency_axis(draw)
    _time_axis(draw, begin, end)
    _legend(draw)
    entries = (COLOURS + np.asarray(written) // (256 // GREYS)).astype(np.uint8)
    entries[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH] = field
    scale = np.linspace(COLOURS - 1, 0, HEIGHT).round().astype(np.uint8)
    entries[TOP : TOP + HEIGHT, LEFT + WIDTH + 12 : LEFT + WIDTH + 22] = scale[:, None]
    picture = Image.fromarray(entries)
    picture.putpalette(_palette())
    data = io.BytesIO()
    picture.save(data, "PNG", optimize=True)
    return data.getvalue()


def _frequency_axis(draw: ImageDraw.ImageDraw) -> None:
    centres = spectrum.mel_edges(BANDS)[1:-1]
    for hertz in (0, 250, 500, 1000, 2000, 4000, 8000):
        band = np.interp(hertz, centres, np.arange(BANDS))
        y = TOP + HEIGHT * (1 - (band + 0.5) / BANDS)
        draw.line((LEFT - 4, y, LEFT - 1, y), fill=0)
        draw.text((LEFT - 7, y), str(hertz) if hertz else "0 Hz", fill=0, anchor="rm")


def _time_axis(draw: ImageDraw.ImageDraw, begin: float, end: float) -> None:
    bottom = TOP + HEIGHT
    step = next((step for step in STEPS if (end - begin) / step <= 9), 36000 * math.ceil((end - begin) / 324000))
    for number in range(math.ceil(begin / step), math.floor(end / step) + 1):
        x = LEFT + WIDTH * (number * step - begin) / (end - begin)
        draw.line((x, bottom, x, bottom + 3), fill=0)
        draw.text((x, bottom + 6), _clock(number * step, step, end), fill=0, anchor="ma")
    draw.text((LEFT + WIDTH, bottom + 20), "min:s" if end > 60 else "s", fill=0, anchor="ra")


def _legend(draw: ImageDraw.ImageDraw) -> None:
    x = LEFT + WIDTH + 22
    for level in range(0, -RANGE - 1, -20):
        y = TOP - 1 - (HEIGHT - 1) * level / RANGE
        draw.line((x, y, x + 2, y), fill=0)
        draw.text((x + 5, y), f"{level}" if level else "0 dB", fill=0, anchor="lm")


def _clock(seconds: float, step: float, end: float) -> str:
    """A time between marks that are ``step`` seconds apart, in a sound that ends at ``end``: 0.05, 7, 1:30, 2:00:00."""
    if end <= 60:
        return f"{seconds:.{max(0, math.ceil(-math.log10(step)))}f}"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    second = f"{rest:04.1f}" if step < 1 else f"{rest:02.0f}"
    return f"{hours}:{minutes:02d}:{second}" if hours else f"{minutes}:{second}"


def _palette() -> list[int]:
    anchors = np.array([list(bytes.fromhex(colour)) for colour in CIVIDIS.split()])
    at = np.linspace(0, len(anchors) - 1, COLOURS)
    scale = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)], axis=1)
    greys = np.repeat(np.linspace(0, 255, GREYS), 3)
    return [int(value) for value in np.concatenate([scale.ravel(), greys]).round()]
