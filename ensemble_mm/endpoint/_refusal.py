"""Why a request is not answered, in words for whoever sent it."""


class Refusal(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status : int
        The status of HTTP.
    words : str
        What is wrong and what to do. It goes over the network: nothing of this machine stands in it.
    """

    def __init__(self, status: int, words: str):
        self.status, self.words = status, words
        super().__init__(words)
