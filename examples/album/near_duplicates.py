"""What happens to pictures that are passed on: made smaller, compressed again, cropped, marked with a logo."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

__all__ = ["VARIANTS", "flat", "save"]


def flat(path: Path) -> Image.Image:
    """The picture upright and in RGB, on white where it is transparent."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def save(image: Image.Image, path: Path, quality: int = 88) -> None:
    """Write a picture; its suffix says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **({} if path.suffix == ".png" else {"quality": quality}))


def smaller(source: Path, target: Path) -> None:
    """Half as wide and half as high."""
    image = flat(source)
    save(image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS), target)


def recompressed(source: Path, target: Path) -> None:
    """JPEG at quality 35."""
    save(flat(source), target, 35)


def cropped(source: Path, target: Path) -> None:
    """Without 3 % at each side."""
    image = flat(source)
    x, y = round(image.width * 0.03), round(image.height * 0.03)
    save(image.crop((x, y, image.width - x, image.height - y)), target)


def marked(source: Path, target: Path) -> None:
    """With a small logo in the lower right corner."""
    image = flat(source)
    side = min(image.size) // 9
    x, y = image.width - side * 5 // 4, image.height - side * 5 // 4
    draw = ImageDraw.Draw(image)
    draw.ellipse((x, y, x + side, y + side), fill="#c8102e", outline="white", width=max(2, side // 20))
    corners = ((0.38, 0.27), (0.38, 0.73), (0.75, 0.5))
    draw.polygon([(x + side * right, y + side * down) for right, down in corners], fill="white")
    save(image, target)


VARIANTS: Mapping[str, Callable[[Path, Path], None]] = {
    "smaller": smaller,
    "recompressed": recompressed,
    "cropped": cropped,
    "marked": marked,
}
