"""The layout is a promise about flow: imports run downward only, faces are public, optional packages wait."""

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import ensemble_mm

ROOT = Path(ensemble_mm.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
FLOORS = {
    "_checks": 0, "_docs": 0, "_estimators": 0, "_inner_folds": 0, "_items": 0, "_metrics": 0,
    "_plain_words": 0, "_products": 0, "_rows": 0, "_weights": 0,
    "_kind": 0.5, "_metadata": 0.5, "_by_rows": 1, "_kinds": 1, "_lines": 1, "_modalities": 1, "_routing": 1,
    "_scorers": 2, "_stopping": 2, "schema": 2,
    "data": 3, "features": 3, "learners": 3, "meta": 3, "store": 3,
    "crossfit": 4,
    "stacking": 5, "inspection": 5, "_public": 6,
    "endpoint": 6, "_cli": 6, "_demo": 6,
}  # fmt: skip
FACES = {"__init__", "__main__"}
HEAVY = [
    *"torch mlflow matplotlib xgboost lightgbm av PIL optuna sqlalchemy spacy dask ray jinja2 soundfile".split(),
    *"starlette uvicorn prometheus_client".split(),
]
CORE = {"numpy", "scipy", "sklearn", "joblib", "pandas", "threadpoolctl"}  # the last comes with scikit-learn
# Files that are imported when a server is started, and stand on one.
SERVES = {("endpoint", name) for name in ("_app", "_metrics", "_patience", "_workers")}
SERVERS = {"starlette", "uvicorn", "h11", "prometheus_client"}
API_PAGE = ROOT.parent / "docs" / "api.rst"


def name_of(path):
    """Return the dotted name of a file below the package: ("features", "_text")."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def imports_of(path):
    """Return [(is at module level, dotted name of the module, names, line)] of every import of a file."""
    tree, found = tree_of(path), []
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.Lambda)) for n in ast.walk(f)}
    package = ("ensemble_mm", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.append((id(node) not in inside, alias.name, [], node.lineno))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.append((id(node) not in inside, module, [alias.name for alias in node.names], node.lineno))
    return found


def our_imports(path):
    """Yield the parts below `ensemble_mm` of every module of ours that a file imports."""
    for _, module, names, line in imports_of(path):
        parts = module.split(".")
        if parts[0] == "ensemble_mm":
            if len(parts) > 1:
                yield tuple(parts[1:]), line
            else:
                yield from (((name,), line) for name in names)


def test_every_file_stands_on_a_floor():
    assert len(FILES) > 20
    assert {name_of(path)[0] for path in FILES} <= set(FLOORS) | FACES


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.relative_to(ROOT).parts))
def test_imports_run_downward(path):
    own = name_of(path)[0]
    for target, line in our_imports(path):
        there = target[0]
        if own in FACES:
            continue
        assert there in FLOORS, f"{path}:{line} imports {'.'.join(target)}: name the folder, not the package"
        assert there == own or FLOORS[there] < FLOORS[own] or (FLOORS[own] == 6 == FLOORS[there]), (
            f"{path}:{line}: {own} (floor {FLOORS[own]}) imports {there} (floor {FLOORS[there]})"
        )


def test_few_arrows_between_folders():
    """What several folders want to know of a record is an attribute of it, or stands on the ground floor."""
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    ties = {(name_of(path)[0], there[0]) for path in FILES for there, _ in our_imports(path)}
    assert len([tie for tie in ties if tie[0] != tie[1] and folders.issuperset(tie)]) <= 20


def test_private_files_are_reached_through_their_face():
    for path in FILES:
        own = name_of(path)[0]
        for target, line in our_imports(path):
            private = len(target) > 1 and target[1].startswith("_")
            assert not private or target[0] == own, f"{path}:{line} reaches into {'.'.join(target)}: use its face"


def test_no_circle_between_files():
    modules = {name_of(path): path for path in FILES}
    graph = {name: {target for target, _ in our_imports(path) if target in modules and target != name}
             for name, path in modules.items()}  # fmt: skip
    for name, path in modules.items():  # `from . import _a` and `from ._a import b` point at files; a face at itself
        graph[name] |= {
            (*target, item)
            for _, module, names, _ in imports_of(path)
            for target in [tuple(module.split(".")[1:])]
            for item in names
            if module.startswith("ensemble_mm") and (*target, item) in modules and (*target, item) != name
        }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(".".join(name) for name in error.args[1]))
    assert set(order) == set(modules)


def test_private_names_of_scikit_learn_are_imported_in_one_place():
    """In `_checks`; model files know its compiled objects, which have no other names."""
    for path in FILES:
        if name_of(path) in {("_checks",), ("store", "_handed"), ("store", "_natives"), ("store", "_trees")}:
            continue
        for _, module, names, line in imports_of(path):
            if module.partition(".")[0] == "sklearn":
                private = [part for part in (*module.split("."), *names) if part.startswith("_")]
                assert not private, f"{path}:{line} imports {private[0]} of scikit-learn: import it in _checks"


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.relative_to(ROOT).parts))
def test_optional_packages_wait_until_they_are_needed(path):
    for at_top, module, _, line in imports_of(path):
        package = module.partition(".")[0]
        known = package in sys.stdlib_module_names or package in CORE or package == "ensemble_mm"
        known = known or (name_of(path) in SERVES and package in SERVERS)
        assert not at_top or known, f"{path}:{line} imports {package} at module level: import it inside the method"


def test_importing_the_package_is_light():
    code = f"import sys, ensemble_mm; print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == []


def test_public_names_exist_and_are_listed_once():
    names = ensemble_mm.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert hasattr(ensemble_mm, name), name


def test_public_names_are_the_documented_names():
    if not API_PAGE.exists():
        pytest.fail(f"{API_PAGE} is not there: run the tests in a checkout")
    entries = re.findall(r"^   (\w+)$", API_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(set(entries)) == len(entries)
    assert set(entries) == set(ensemble_mm.__all__) - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.relative_to(ROOT).parts))
def test_effects_have_an_address(path):
    """No printing outside the command line and `verbose`, no global seed, no warning filter for the whole process."""
    tree = tree_of(path)
    assert ast.get_docstring(tree) or not tree.body, f"{path} does not say what it is for"
    held = {  # a filter inside `with warnings.catch_warnings(...)` ends with it
        id(call)
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and "catch_warnings" in "".join(ast.unparse(i) for i in block.items)
        for call in ast.walk(block)
    }
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call) and id(n) not in held}
    if name_of(path)[0] not in {"_cli", "_demo", "__main__"} and name_of(path) != ("_lines",):
        assert "print" not in calls
    assert not calls & {"np.random.seed", "random.seed", "warnings.simplefilter", "warnings.filterwarnings"}


ASKS = re.compile(
    r"is_classification|\bkind (?:==|!=) \"(?:regression|classification|binary|multiclass)|\.family (?:==|!=)"
    r"|\bclasses is (?:not )?None"
    r"|(?:if|and|or|not) (?:not )?(?:self\.|kind\.)?n_classes\b(?!\.| [<>=i])"
)


def test_few_places_ask_what_kind_a_task_is():
    """What differs by kind is asked of `task.rules`, and stands in `_kind` and `_kinds`: one's own is one entry."""
    asking = {
        path.name: len(found)
        for path in FILES
        if path.name not in ("_kind.py", "_kinds.py")
        and (found := [line for line in path.read_text(encoding="utf-8").splitlines() if ASKS.search(line)])
    }
    assert sum(asking.values()) <= 15 and len(asking) <= 5, asking


# Words that mean another thing there: what features are like, what lies in a model file, what a key is made of.
HOMONYMS = {
    "learners/_portfolios": {"vector"},
    "store/_readers": {"text"},
    "store/_encoding": {"text"},
    "store/_keys": {"image"},
}


def test_few_files_name_a_modality():
    """What differs by modality stands in its record. Names of extras and the nouns of messages are no questions."""
    words, named = {"tabular", "text", "vector", "image", "audio", "video"}, set()
    for path in FILES:
        name = "/".join(name_of(path))
        calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        spared = {id(k.value) for call in calls for k in call.keywords if k.arg == "extra"}
        spared |= {id(a) for call in calls if ast.unparse(call.func) in ("decoding", "open_item") for a in call.args}
        found = {n.value for n in ast.walk(tree_of(path)) if isinstance(n, ast.Constant) and id(n) not in spared
                 if isinstance(n.value, str)}  # fmt: skip
        if found & (words - HOMONYMS.get(name, set())):
            named.add(name)
    extractors = {"features/_encoders", "features/_image", "features/_text"}  # of what is read by an encoder
    assert named == {"_modalities", "features/_builtin"} | extractors
