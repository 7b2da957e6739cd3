"""What editors, commits and hosted runs read says the same as `make lint` and `.ci/run`."""

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import yaml
from packaging.requirements import Requirement

import ensemble_mm

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


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text())
    asked = [Requirement(line) for line in recipe["requirements"]["run"]]
    wanted = [Requirement(line) for line in SETUP["options"]["install_requires"].split("\n") if line]
    assert {(one.name, str(one.specifier)) for one in asked if one.name != "python"} == {
        (one.name, str(one.specifier)) for one in wanted
    }
    assert f"python {SETUP['options']['python_requires']}" in recipe["requirements"]["run"]
    assert recipe["context"]["version"] == ensemble_mm.__version__
