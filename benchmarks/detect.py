"""What is found in pictures, per set: precision and recall, or accuracy, beside peers where they install.

    python benchmarks/detect.py [faces traits persons objects lines logos anonymise]

Each is a file of its own, ``detect_<name>.py`` (``logos.py``, ``anonymise.py``), whose head says what is counted and
how the truth was marked; without names all are run, one after the other.
"""

import argparse
import subprocess
import sys
from pathlib import Path

PARTS = {
    "faces": "detect_faces.py",
    "traits": "detect_traits.py",
    "persons": "detect_persons.py",
    "objects": "detect_objects.py",
    "lines": "detect_lines.py",
    "logos": "logos.py",
    "anonymise": "anonymise.py",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="which; all if none is named")
    failed = 0
    for name in parser.parse_args().parts or PARTS:
        print(f"\n## {name}\n", flush=True)
        failed += (
            subprocess.run([sys.executable, str(Path(__file__).with_name(PARTS[name]))], check=False).returncode != 0
        )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
