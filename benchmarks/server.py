"""The server under load: a study of 100,000 pictures, 200 mixed reads a second, while five coders write.

    python benchmarks/server.py                      (makes the study in a temporary folder)
    python benchmarks/server.py --study FOLDER       (of tests/large.py; it gets a codebook, accounts and a task)

Scoring rule. A real ``studium serve --accounts`` runs in processes of its own (``--processes``), this one asks it.
Readers are an open loop: requests begin at random times (Poisson) whether or not earlier ones have been answered, and a
request's time runs from the moment when it was due, so that waiting for the machine counts. They are drawn from `MIX`
by its weights, each about another unit, page or filter. Every read was asked once before the clock runs. Five coders,
each signed in, fetch their next unit, answer it and send the answers, one a second each; every tenth answer is sent
twice with one key, as a browser does that lost its connection. At the end the database is read: an answer that the
server confirmed and that is not there is lost; one that is there twice is doubled. Target: p95 of all reads below 100
ms, no errors, none lost, none doubled. All of them share the machine; run it on an idle one, and read the load that is
printed with it.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import large

from studium import Corpus
from studium.core.records import Account
from studium.errors import UnknownNameError
from studium.server import passwords

CODERS = [f"coder{i}" for i in range(5)]
READERS, PACE = 4, 1.0  # sessions that read; seconds between the answers of a coder
PASSWORD = "correct horse battery staple"
CODEBOOK = """\
[scene]
question = "What is seen?"
of = "image"
type = "categorical"

[[scene.values]]
name = "street"
definition = "A street."

[[scene.values]]
name = "other"
definition = "Anything else."

[people]
question = "Are there people?"
of = "image"
type = "binary"
values = [{ name = "yes", definition = "At least one." }, { name = "no", definition = "None." }]
"""
MIX = {
    "thumb": 70,
    "page of 200, filtered and sorted": 6,
    "page of 200": 4,
    "facets of 8 columns under a filter": 4,
    "unit": 6,
    "search by a unit": 3,
    "search by a text": 1,
    "clusters": 3,
    "colour of a map of all": 1,
    "failures": 2,
}


def prepared(root: Path) -> None:
    """A codebook, accounts, and a task for all coders."""
    (root / "codebook.toml").write_text(CODEBOOK)
    corpus, kept = Corpus(root), passwords.hashed(PASSWORD)
    with corpus.records() as records:
        for name, role in [("reader", "admin"), *((coder, "coder") for coder in CODERS)]:
            records.accounts.put(Account(name, role, kept, datetime.now(UTC)))
        try:
            records.tasks.get("speed")
            return
        except UnknownNameError:
            pass
    corpus.draw_sample("speed", of="image", n=1000, once=False)
    corpus.task("speed", sample="speed", variables=["scene", "people"], coders=CODERS, overlap=1.0)


def served(root: Path, processes: int) -> tuple[subprocess.Popen[str], str]:
    """The server in a process of its own, once it answers; and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        "from studium.cli import main; main()",
        "serve",
        "--study",
        str(root),
        "--accounts",
        "--processes",
        str(processes),
    ]
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/api/health").close()
            return process, address
        except urllib.error.URLError:
            time.sleep(0.1)
    raise SystemExit("the server did not begin to answer")


async def signed_in(address: str, name: str) -> aiohttp.ClientSession:
    browser = aiohttp.ClientSession(
        f"{address}/api/",
        connector=aiohttp.TCPConnector(limit=200),
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # unsafe: from an address that is a number
        timeout=aiohttp.ClientTimeout(60),
    )
    said = await asked(browser, "session", {"name": name, "password": PASSWORD})
    browser.headers["X-CSRF-Token"] = said["csrf"]
    return browser


async def asked(browser: aiohttp.ClientSession, path: str, body: Any = None) -> Any:
    """What the server says, or its error."""
    method = "GET" if body is None else "POST"
    async with browser.request(method, path, json=body) as answer:
        answer.raise_for_status()
        return await answer.json()


async def reads_of(browser: aiohttp.ClientSession) -> dict[str, Callable[[], str]]:
    """For each kind of read of `MIX`: a path, each time another one."""
    from urllib.parse import quote

    parts = [await asked(browser, f"units?of=image&limit=1000&offset={at * 17000}") for at in range(5)]
    ids = [one["id"] for part in parts for one in part["items"]]
    names = {one["label"].split(" ")[0]: one["name"] for one in await asked(browser, "columns?of=image")}
    plane, clusters = [(await asked(browser, f"{what}?of=image"))[0]["table"] for what in ("maps", "clusters")]
    eight = ",".join(
        names[one] for one in ("scene", "people", "faces", "share_3", "cluster", "author", "likes", "date")
    )
    pick, scenes = random.Random(1), large.KINDS_OF_SCENE

    def under() -> str:
        scene = {"column": names["scene"], "in": [pick.choice(scenes)]}
        return quote(json.dumps([scene, {"column": names["share_3"], "low": round(pick.random() / 3, 3)}]))

    return {
        "thumb": lambda: f"units/{pick.choice(ids)}/thumb?of=image",
        "page of 200, filtered and sorted": lambda: (
            f"units?of=image&limit=200&filter={under()}&sort=-{names[f'share_{pick.randrange(8)}']}"
        ),
        "page of 200": lambda: f"units?of=image&limit=200&offset={200 * pick.randrange(400)}",
        "facets of 8 columns under a filter": lambda: f"facets?of=image&columns={eight}&filter={under()}",
        "unit": lambda: f"units/{pick.choice(ids)}?of=image",
        "search by a unit": lambda: f"search?of=image&k=60&unit={pick.choice(ids)}",
        "search by a text": lambda: f"search?of=image&k=60&text={pick.choice(['a dog', 'a street', 'people'])}",
        "clusters": lambda: f"clusters/{clusters}?of=image",
        "colour of a map of all": lambda: f"maps/{plane}/colour?of=image&column={names['scene']}",
        "failures": lambda: f"failures?limit=100&offset={pick.randrange(400)}",
    }


async def reading(
    browsers: list[aiohttp.ClientSession], paths: dict[str, Callable[[], str]], rate: float, seconds: float
) -> Any:
    """Ask in an open loop; returns ms by kind of read, and errors."""
    took: dict[str, list[float]] = defaultdict(list)
    errors: Counter[str] = Counter()
    pick = random.Random(2)

    async def ask(kind: str, due: float, number: int) -> None:
        try:
            async with browsers[number % len(browsers)].get(paths[kind]()) as answer:
                await answer.read()
                if answer.status != 200:
                    errors[f"{kind}: {answer.status}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            errors[f"{kind}: {type(error).__name__}"] += 1
        took[kind].append((time.perf_counter() - due) * 1000)

    due, end, asked = time.perf_counter(), time.perf_counter() + seconds, []
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        (kind,) = pick.choices(list(MIX), list(MIX.values()))
        asked.append(asyncio.create_task(ask(kind, due, len(asked))))
        due += pick.expovariate(rate)
    await asyncio.gather(*asked)
    return took, errors


async def warm(browser: aiohttp.ClientSession, make: Callable[[], str]) -> None:
    async with browser.get(make()) as answer:
        answer.raise_for_status()
        await answer.read()


async def coding(browser: aiohttp.ClientSession, coder: str, until: float) -> tuple[list[str], list[float], int]:
    """Code as a browser does; returns the units whose answers were confirmed, ms of each, and errors."""
    confirmed, took, errors, position, pick = list[str](), list[float](), 0, -1, random.Random(coder)
    while time.perf_counter() < until:
        place = await asked(browser, f"tasks/speed/next?after={position}")
        if place["position"] is None:
            break
        position = place["position"]
        unit = (await asked(browser, f"tasks/speed/items/{position}"))["unit"]["id"]
        answers = {"scene": pick.choice(["street", "other"]), "people": pick.choice(["yes", "no"])}
        body = {"unit": unit, "answers": answers, "seconds": 1.5, "key": f"{coder}-{unit}-{time.time_ns()}"}
        began = time.perf_counter()
        times = 2 if pick.random() < 0.1 else 1
        try:
            for _ in range(times):
                await asked(browser, "tasks/speed/annotations", body)
            confirmed.append(unit)
        except aiohttp.ClientError:
            errors += 1
        took.append((time.perf_counter() - began) * 1000 / times)
        await asyncio.sleep(max(0.0, PACE - (time.perf_counter() - began)))
    return confirmed, took, errors


def cpu_of(process: int) -> float:
    """Seconds that a process and its children computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(cpu_of(int(one)) for one in children)


async def measured(address: str, server: int, rate: float, seconds: float) -> Any:
    readers = [await signed_in(address, "reader") for _ in range(READERS)]
    coders = [await signed_in(address, name) for name in CODERS]
    paths = await reads_of(readers[0])
    for make in paths.values():  # many at once, so that each process is asked
        await asyncio.gather(*(warm(reader, make) for reader in readers for _ in range(4)))
    until, cpu = time.perf_counter() + seconds, cpu_of(server)
    writes = [coding(browser, name, until) for browser, name in zip(coders, CODERS, strict=True)]
    (took, errors), *written = await asyncio.gather(reading(readers, paths, rate, seconds), *writes)
    cpu = cpu_of(server) - cpu
    for browser in (*readers, *coders):
        await browser.close()
    return took, errors, written, cpu


def kept(root: Path, written: Any, before: Counter[tuple[str, str]]) -> tuple[int, int, int]:
    """Answers that were confirmed, those of them that are not in the database, and those that are there twice."""
    with Corpus(root).records() as records:
        found = Counter((one.coder, one.unit) for one in records.annotations(variable="scene", history=True))
    found -= before
    said = Counter((coder, unit) for coder, (units, _, _) in zip(CODERS, written, strict=True) for unit in units)
    return said.total(), (said - found).total(), (found - said).total()


def table(took: dict[str, list[float]], written: Any) -> None:
    print(f"\n{'read':38s}{'n':>7s}{'p50':>9s}{'p95':>9s}{'p99':>9s}  ms")
    rows = [
        ("all reads", [ms for some in took.values() for ms in some]),
        *((kind, took[kind]) for kind in MIX if took[kind]),
    ]
    for kind, some in [*rows, ("writes of the coders", [ms for _, times, _ in written for ms in times])]:
        p50, p95, p99 = np.percentile(some, [50, 95, 99])
        print(f"{kind:38s}{len(some):7d}{p50:9.1f}{p95:9.1f}{p99:9.1f}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--study", type=Path, help="made by tests/large.py")
    asked.add_argument("--units", type=int, default=100_000)
    asked.add_argument("--processes", type=int, default=2, help="of the server")
    asked.add_argument("--rate", type=float, default=200.0, help="reads a second")
    asked.add_argument("--seconds", type=float, default=20.0)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.study or Path(folder)
        if given.study is None:
            large.make(root, given.units)
        prepared(root)
        with Corpus(root).records() as records:
            before = Counter((one.coder, one.unit) for one in records.annotations(variable="scene", history=True))
        process, address = served(root, given.processes)
        try:
            took, errors, written, cpu = asyncio.run(measured(address, process.pid, given.rate, given.seconds))
        finally:
            process.terminate()
            process.wait(30)
        confirmed, lost, doubled = kept(root, written, before)
    table(took, written)
    failed = errors.total() + sum(one for _, _, one in written)
    print(f"\nerrors {failed} {dict(errors)}; answers confirmed {confirmed}, lost {lost}, doubled {doubled}")
    reads = sum(map(len, took.values()))
    print(f"the server computed {1000 * cpu / reads:.1f} ms a read (writes included)")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{reads / given.seconds:.0f} reads a second; load of {os.cpu_count()} cores: {load}")


if __name__ == "__main__":
    main()
