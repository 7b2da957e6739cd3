"""Several processes that serve the same port."""

from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    """Start processes, start those anew that end, and stop them all when this process is told to stop."""

    def terminate_all(self):
        for listener in self.sockets:  # those who come now are refused at once, and not kept until the last has stopped
            listener.close()
        super().terminate_all()
