"""A fitted stack behind HTTP: bodies -> rows -> batches -> answers. The only folder that listens on the network.

What starlette and uvicorn are needed for is imported when a server is started.
"""

from ._answers import table_of
from ._docker import write_docker
from ._onnx import features_of, write_onnx
from ._pyfunc import _load_pyfunc  # noqa: F401  the files of models in MLflow name it
from ._serve import Settings, serve

__all__ = ["Settings", "features_of", "serve", "table_of", "write_docker", "write_onnx"]
