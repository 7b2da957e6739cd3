"""A folder for Docker holds what its commands need: they are run here in a fresh virtual environment."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ensemble_mm._cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(coats, tmp_path):
    assert main(["export", str(coats[2]), "--to", "docker", "--out", str(tmp_path / "built")]) == 0
    return tmp_path / "built"


def test_the_folder_is_whole(coats, folder):
    lines = (folder / "requirements.txt").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines]
    assert {"ensemble_mm", "numpy", "scikit-learn", "pillow", "uvicorn", "starlette"} <= set(names)
    assert all(re.fullmatch(r"[\w.-]+==[\w.+]+", line) for line in lines) and len(set(names)) == len(names)
    assert "soundfile" not in names  # no view is a sound
    assert (folder / "model.emm").read_bytes() == coats[2].read_bytes()
    dockerfile = (folder / "Dockerfile").read_text()
    assert "USER serve" in dockerfile and "secret_folder" not in dockerfile
    for copied in re.findall(r"^COPY (\S+)", dockerfile, re.MULTILINE):
        assert (folder / copied).exists()


@pytest.mark.slow
def test_its_commands_serve_in_a_fresh_environment(coats, folder, serving, sent, tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder / "wheels", ROOT], check=True)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    dockerfile = (folder / "Dockerfile").read_text()
    (install,) = re.findall(r"^RUN (pip install .*)$", dockerfile, re.MULTILINE)
    programs = tmp_path / "fresh" / "bin"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"PIP_COMPILE": "0"}
    pip = [programs / "python", "-m", *shlex.split(install)]
    subprocess.run(pip, cwd=folder, check=True, capture_output=True, env=alone)
    words = json.loads(re.search(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)[1])
    assert words[:3] == ["ensemble-mm", "serve", "model.emm"]
    with serving("model.emm", program=[programs / words[0]], cwd=folder, env=alone) as service:
        assert service.call("/predict", {"rows": sent})[0] == 200
