"""Print what an environment's site-packages weigh, largest first, and fail above the limit."""

import sys
from pathlib import Path

LIMIT = 300_000_000


def weigh(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def main(environment: Path) -> int:
    site = next(environment.glob("lib/python3*/site-packages"))
    sizes = sorted((weigh(entry) if entry.is_dir() else entry.stat().st_size, entry.name) for entry in site.iterdir())
    for size, name in sizes[::-1][:12]:
        print(f"{size / 1e6:8.1f} MB  {name}")
    total = sum(size for size, _ in sizes)
    print(f"{total / 1e6:8.1f} MB  in all; the limit is {LIMIT / 1e6:.0f} MB")
    heavy = [name for _, name in sizes if name in {"torch", "sklearn", "scipy", "cv2", "onnxruntime"}]
    if heavy:
        print(f"the base install must not bring {', '.join(heavy)}")
    return int(total > LIMIT or bool(heavy))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
