"""The tests with the oldest packages that setup.cfg allows, and with the newest that there are.

nox -s oldest
nox -s newest -- -k table
"""

import nox

# Not among them: clusters, and packages of pretrained weights.
EXTRAS = "chinese,image,audio,video,neural,report,store,postgresql,serve,onnx,tuning,parquet,progress,test"
ENVIRONMENT = {"SCIPY_ARRAY_API": "1", "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}

nox.options.default_venv_backend = "uv"


def run_tests(session, *how):
    session.install(*how, "-e", f".[{EXTRAS}]")
    session.run("uv", "pip", "list", external=True)
    session.run("python", "-m", "pytest", "-q", "-n", "2", "-m", "not slow", *session.posargs, "tests", env=ENVIRONMENT)


@nox.session
def oldest(session):
    """Run the tests with the lowest version of each package that is asked for."""
    run_tests(session, "--resolution", "lowest-direct")


@nox.session
def newest(session):
    """Run the tests with the newest packages, releases to come among them."""
    run_tests(session, "--upgrade", "--prerelease", "allow")
