"""A folder that Docker builds a service from: the model, the packages that it needs, and the command that serves it."""

import shutil
import sys
from importlib import metadata
from pathlib import Path

from .._modalities import MODALITIES
from ..store import example_of, load, requirements, write_atomic

SERVER = ("starlette", "uvicorn", "h11", "prometheus-client", "python-multipart", "charset-normalizer")
CORE = ("ensemble_mm", "numpy", "scipy", "scikit-learn", "joblib", "pandas", "lightgbm", "xgboost")

DOCKERFILE = """\
# docker build -t coats . && docker run -p 8000:8000 coats
FROM python:{python}-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
WORKDIR /srv
COPY requirements.txt ./
COPY wheels ./wheels
RUN pip install --no-cache-dir --find-links wheels -r requirements.txt
COPY model.emm ./
RUN useradd --create-home serve
USER serve
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ping')"]
CMD ["ensemble-mm", "serve", "model.emm", "--host", "0.0.0.0", "--port", "8000"]
"""


def write_docker(path: str, folder: str) -> None:
    """Write the folder.

    Parameters
    ----------
    path : str
        The model file.
    folder : str
        Made if need be. Its subfolder ``wheels`` is for packages that no index has, such as a wheel of your own.
    """
    out = Path(folder)
    (out / "wheels").mkdir(parents=True, exist_ok=True)
    lines = requirements_of(load(path))
    write_atomic(out / "wheels" / "README", b"Wheels that no package index has, for pip to find.\n")
    write_atomic(out / "requirements.txt", "".join(f"{line}\n" for line in lines).encode())
    write_atomic(out / "Dockerfile", DOCKERFILE.format(python="{}.{}".format(*sys.version_info)).encode())
    shutil.copyfile(path, out / "model.emm")


def requirements_of(model) -> list[str]:
    """Return what a service of a model needs, in the versions that are installed, as pip takes it.

    That is what reads its views, and what it imports to answer.
    """
    if hasattr(model, "schema_"):
        model.predict([example_of(model)])
    readers = {name for modality in MODALITIES.values() for name in modality.packages}
    needed = {name for modality in getattr(model, "views_", {}).values() for name in MODALITIES[modality].packages}
    kept = []
    for line in requirements():
        name = line.partition("==")[0]
        imported = name.replace("-", "_") in sys.modules and name not in readers
        if name in CORE or name in needed or imported:
            kept.append(line)
    return kept + [f"{name}=={metadata.version(name)}" for name in SERVER]
