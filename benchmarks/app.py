"""How fast is the gallery of 100,000 pictures? A real server, and Chromium without a screen and without a GPU.

    python benchmarks/app.py                 makes the study of tests/large.py first, which goes away; 2 minutes
    python benchmarks/app.py --study FOLDER  one that is there

Scoring, in a window of 1280 x 800 with small pictures, eight in a row. Each figure is the median of five (least to
most). First paint: from the begin of the navigation, in a new browser without any cache, to the frame after the one
in which 30 pictures of the first screen are decoded; the server is warm, and its very first answer is told apart.
Scrolling: 20 screens in 300 steps, one a frame; frames per second, the share of frames later than 50 ms, the longest,
and how long after the last step the screen is filled. Jump: to the middle of the list, until the screen is filled.
Facet: from the click on a value to the frame after the one in which all counts and the number of units are new; each
time another value, which nobody asked for before.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import fetch
import large
from browsing import DESK, Served, serve
from playwright.sync_api import Browser, Page, sync_playwright

ROUNDS, FIRST = 5, 30
WATCH = """
localStorage.setItem("studium-size", "small");
const whole = () => {
  const view = document.querySelector("[role=grid]")?.getBoundingClientRect();
  if (!view) return [0, 1];
  const seen = [...document.querySelectorAll("[role=gridcell]")].filter((cell) => {
    const box = cell.getBoundingClientRect();
    return box.bottom > view.top && box.top < view.bottom;
  });
  const there = (picture) => picture?.complete && picture.naturalWidth > 0;
  return [seen.filter((cell) => there(cell.querySelector("img"))).length, seen.length];
};
window.until = (done) => new Promise((resolve) => {
  const look = () => (done() ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look));
  look();
});
window.filled = () => { const [there, all] = whole(); return all > 8 && there === all; };
window.first = until(() => whole()[0] >= FIRST);
""".replace("FIRST", str(FIRST))
SCROLL = """async () => {
  const grid = document.querySelector("[role=grid]"), steps = 300, far = 20 * grid.clientHeight, times = [];
  for (let step = 1; step <= steps; step++) {
    grid.scrollTop = (far * step) / steps;
    times.push(await new Promise(requestAnimationFrame));
  }
  const end = performance.now(), frames = times.slice(1).map((time, at) => time - times[at]);
  return { frames, after: (await until(filled)) - end };
}"""
JUMP = """async () => {
  const grid = document.querySelector("[role=grid]"), begin = performance.now();
  grid.scrollTop = grid.scrollHeight / 2;
  await new Promise(requestAnimationFrame);
  return (await until(filled)) - begin;
}"""
FACET = """async (at) => {
  const box = document.querySelectorAll("[aria-label=Facets] input[type=checkbox]")[at];
  const total = document.querySelector(".total"), before = total.textContent, begin = performance.now();
  box.click();
  const facets = document.querySelector("[aria-label=Facets]");
  const counted = () => facets.getAttribute("aria-busy") === "false";
  const told = () => counted() && total.textContent.trim() && total.textContent !== before;
  const counts = (await until(told)) - begin;
  return { counts, pictures: (await until(filled)) - begin };
}"""


def opened(browser: Browser, server: Served) -> Page:
    """The gallery in a new browser, from nothing; the session is there."""
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(server.login)
    page.get_by_role("grid").wait_for()
    state = context.storage_state()
    context.close()
    context = browser.new_context(viewport=DESK, storage_state=state)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(server.url + "#/?of=image")
    return page


def rounds(browser: Browser, server: Served, act: Callable[[Page, int], Any]) -> list[Any]:
    """What an act gives, each time in a new browser."""
    found = []
    for at in range(ROUNDS):
        page = opened(browser, server)
        page.evaluate("first")
        page.get_by_role("region", name="Facets").get_by_role("checkbox").first.wait_for()
        page.wait_for_load_state("networkidle")
        found.append(act(page, at))
        page.context.close()
    return found


def told(name: str, values: Sequence[float], unit: str = "ms", digits: int = 0) -> None:
    """One line of the table."""
    middle, least, most = (f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    print(f"| {name} | {middle} {unit} | {least} to {most} |")


def measure(browser: Browser, server: Served) -> None:
    """Print the table."""
    cold = opened(browser, server)
    print("| | median | least to most |\n| --- | --- | --- |")
    told("the server's very first gallery", [cold.evaluate("first")])
    cold.context.close()
    told(f"first paint of {FIRST} pictures", rounds(browser, server, lambda page, _: page.evaluate("first")))
    scrolled = rounds(browser, server, lambda page, _: page.evaluate(SCROLL))
    frames = [one["frames"] for one in scrolled]
    told("scrolling 20 screens: frames per second", [1000 * len(one) / sum(one) for one in frames], "", 1)
    told("frames later than 50 ms", [100 * sum(time > 50 for time in one) / len(one) for one in frames], "%", 1)
    told("longest frame", [max(one) for one in frames])
    told("screen filled after the last step", [one["after"] for one in scrolled])
    told("jump to the middle, screen filled", rounds(browser, server, lambda page, _: page.evaluate(JUMP)))
    changed = rounds(browser, server, lambda page, at: page.evaluate(FACET, at))
    told("facet: click to painted counts", [one["counts"] for one in changed])
    told("facet: click to painted pictures", [one["pictures"] for one in changed])


def main() -> None:
    """Parse arguments; make the study if none is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, help="a study of tests/large.py that is there")
    parser.add_argument("--units", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.study or Path(folder, "large")
        if not given.study:
            large.make(root, given.units)
        with serve(root, "--coder", "ann") as server, sync_playwright() as playwright:
            program = fetch.chromium()
            browser = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
            where = f"Chromium {browser.version}, software rendering, {os.cpu_count()} cores"
            print(f"{where}, load {os.getloadavg()[0]:.1f}\n")
            measure(browser, server)
            browser.close()


if __name__ == "__main__":
    main()
