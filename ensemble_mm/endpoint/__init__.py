"""A fitted stack behind HTTP: bodies -> rows -> batches -> answers. The only folder that listens on the network.

What starlette and uvicorn are needed for is imported when a server is started.
"""

from ._answers import by_task
from ._serve import Settings, serve

__all__ = ["Settings", "by_task", "serve"]
