"""What editors, commits and hosted runs read says the same as `make lint` and `.ci/run`."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETUP = ConfigParser()
SETUP.read(ROOT / "setup.cfg")
EXTRAS = SETUP["options.extras_require"]


def test_one_version_of_ruff():
    pinned = tomllib.loads((ROOT / "ruff.toml").read_text())["required-version"]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert f"ruff{pinned}" in EXTRAS["dev"].split()
    assert re.search(r"ruff-pre-commit\n\s*rev: v(\S+)", hooks)[1] == pinned.removeprefix("==")


def test_hosted_runs_call_the_one_script():
    assert re.search(r"run: .*\.ci/run$", (ROOT / ".github/workflows/ci.yml").read_text(), flags=re.MULTILINE)


def test_sessions_ask_for_extras_that_there_are():
    (listed,) = re.findall(r'EXTRAS = "(.*)"', (ROOT / "noxfile.py").read_text())
    assert set(listed.split(",")) <= set(EXTRAS)
