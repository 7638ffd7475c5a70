"""Every kind of network: killed with SIGKILL within its epoch and gone on with, it is the one of a quiet training."""

import json
import os
import subprocess
import sys

import killed_networks
import pytest


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of the trainings, and the checkpoints that the kill left of each."""
    folder = tmp_path_factory.mktemp("killed")
    single = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # the script forks
    script = [sys.executable, "-W", "error", killed_networks.__file__, folder]
    run = subprocess.run(script, capture_output=True, text=True, check=False, env=single)
    assert run.returncode == 0, run.stderr[-2000:]
    return folder, json.loads(run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("kind", killed_networks.KINDS)
def test_it_ends_with_identical_weights(killed, kind):
    folder, left = killed
    assert left[kind], "there was something to go on from"
    assert max(left[kind]) < killed_networks.KILLED
    assert not (folder / kind / "never").exists()
    models = [folder / kind / name for name in ("peaceful", "gone on")]
    one, other = ({p.relative_to(m): p.read_bytes() for p in m.rglob("*") if p.is_file()} for m in models)
    assert any(name.suffix == ".safetensors" for name in one)
    assert one == other
