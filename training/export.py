"""Writing a trained network as ONNX, with the check that onnxruntime gives the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

from training.acquisition import Target

TOLERANCE = 2e-3
"""Largest difference of an output between torch and onnxruntime."""


class _Probability(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.model(image))


def export(model: nn.Module, path: Path, target: Target) -> None:
    """Write a network that maps ``image`` (b, 1, h, w) to ``fractions`` (b, c, h, w), each 0..1.

    Parameters
    ----------
    model : Module
        Trained network, giving logits.
    path : Path
        File to write.
    target : Target
        Grid it was trained on.

    Raises
    ------
    ValueError
        If onnxruntime disagrees with torch.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = _Probability(model).eval()
    example = torch.randn(2, 1, target.size, target.size, generator=torch.Generator().manual_seed(0))
    axes = {0: "b", 2: "h", 3: "w"}
    torch.onnx.export(
        whole, (example,), str(path), input_names=["image"], output_names=["fractions"],
        dynamic_axes={"image": axes, "fractions": axes}, opset_version=17, dynamo=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {"image": example.numpy()})[0]
    with torch.no_grad():
        difference = float(np.abs(found - whole(example).numpy()).max())
    if difference > TOLERANCE:
        raise ValueError(f"{path} differs from the trained network by {difference:.2g}.")
