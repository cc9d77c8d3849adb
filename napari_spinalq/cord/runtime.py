"""The shipped networks, opened once and run on a few threads of the processor."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODELS = Path(__file__).parent / "models"

THREADS = 2
"""Threads of one network: more gain little on pictures this small and hold up a shared machine."""

BATCH_PIXELS = 400_000
"""Pixels given to a network at a time: bounds its memory to some 200 MB."""


@lru_cache(maxsize=4)
def session(name: str) -> InferenceSession:
    """Open a network by name; onnxruntime is imported here, so that nothing else waits for it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    # A thread that waits must not keep a core busy: on a shared machine that costs more than it saves.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(MODELS / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])


def run(name: str, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run a network on standardised pictures.

    Parameters
    ----------
    name : str
        ``locator`` or ``fine``.
    images : (n, h, w) array
        Pictures with sides that are multiples of 8.

    Returns
    -------
    (n, n_channels, h, w) array
        Probabilities or fractions, 0..1.
    """
    size = max(1, BATCH_PIXELS // (images.shape[1] * images.shape[2]))
    parts = [images[start : start + size, None] for start in range(0, len(images), size)]
    return np.concatenate([session(name).run(None, {"image": part})[0] for part in parts])


def standardised(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale each picture to mean 0 and standard deviation 1 and draw in values beyond 5."""
    mean = images.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    deviation = images.std(axis=(1, 2), keepdims=True, dtype=np.float64)
    scaled = (images - mean) / (deviation + 1e-6 * np.abs(mean) + 1e-30)
    return np.clip(scaled, -5.0, 5.0).astype(np.float32)
