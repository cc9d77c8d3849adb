"""Train both networks from scratch: ``python -m training.train --minutes 75 --out napari_spinalq/cord/models``."""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training import networks
from training.acquisition import FINE_TARGET, WIDE_TARGET, acquire
from training.anatomy import Library, load_library
from training.export import export
from training.losses import fine_loss, locator_loss
from training.scenes import FINE, WIDE, Painter

LOCATOR_SHARE = 0.24
"""Share of the time that the locator gets: its task is the easier one."""

SCENES, GROUPS = 8, 4
"""Pictures that share a pixel size, and how many such groups make a step."""

LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-4
AVERAGING = 0.998
"""Exported weights are the running average over about 500 steps."""

ENTROPY_ONLY = 0.7
"""After this share of the time the fine model sees cross-entropy alone."""

REPORT_EVERY = 100


class SyntheticStream(IterableDataset):
    """Endless groups of synthetic pictures; each worker has its own seed.

    Parameters
    ----------
    library : Library
        Shapes.
    wide : bool
        Whole slices for the locator, or patches for the fine model.
    seed : int
        First seed.
    """

    def __init__(self, library: Library, wide: bool, seed: int) -> None:
        self.library, self.wide, self.seed = library, wide, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        torch.set_num_threads(1)
        worker = get_worker_info()
        seed = self.seed + 1000 * (0 if worker is None else worker.id)
        kind, target = (WIDE, WIDE_TARGET) if self.wide else (FINE, FINE_TARGET)
        painter = Painter(self.library, kind, seed)
        while True:
            sample = acquire(painter.paint(SCENES), kind, target, painter.generator)
            yield sample.image.half(), sample.fractions.half()


@dataclass(frozen=True)
class Plan:
    """How one network is trained: how long, with which seed and how many image makers, and where its state is kept.

    With ``fused`` the layers are compiled into few loops (needs a C++ compiler), which halves the time of a step.
    """

    wide: bool
    seconds: float
    seed: int
    workers: int
    kept: Path
    fused: bool

    @property
    def name(self) -> str:
        """Name of the weights."""
        return "locator" if self.wide else "fine"


def batches(library: Library, plan: Plan) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield training steps of ``SCENES * GROUPS`` pictures."""
    stream = SyntheticStream(library, plan.wide, plan.seed)
    loader = DataLoader(
        stream, batch_size=GROUPS, num_workers=plan.workers, prefetch_factor=4 if plan.workers else None
    )
    for image, fractions in loader:
        yield image.flatten(0, 1).float(), fractions.flatten(0, 1).float()


def learning_rate(done: float) -> float:
    """Return the factor on the learning rate: a short rise, then a cosine."""
    return min(done / 0.03, 1.0) * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-3


def train(model: nn.Module, library: Library, plan: Plan) -> tuple[nn.Module, dict[str, float]]:
    """Train for the planned time; return the averaged model and figures for the record."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, learning_rate)
    model.train()
    average, start, running, steps = copy.deepcopy(model), time.monotonic(), 0.0, 0
    quick = torch.compile(model, dynamic=False) if plan.fused else model
    for steps, (image, fractions) in enumerate(batches(library, plan), 1):
        done = (time.monotonic() - start) / plan.seconds
        if done >= 1:
            break
        for group, rate in zip(optimiser.param_groups, schedule.base_lrs, strict=True):
            group["lr"] = rate * learning_rate(done)
        loss = _step(quick, optimiser, image, fractions, plan, done)
        _follow(average, model, min(AVERAGING, steps / (steps + 20)))
        running = loss if steps == 1 else 0.99 * running + 0.01 * loss
        if steps % REPORT_EVERY == 0:
            print(f"{plan.name} step {steps} {done:.0%} loss {running:.4f}", flush=True)
            torch.save(average.state_dict(), plan.kept)
    figures = {"steps": steps, "images": steps * SCENES * GROUPS, "loss": round(running, 5), "seconds": plan.seconds}
    return average.eval(), {**figures, "parameters": networks.parameter_count(average)}


def _step(
    model: nn.Module, optimiser: torch.optim.Optimizer, image: Tensor, fractions: Tensor, plan: Plan, done: float
) -> float:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(image.contiguous(memory_format=torch.channels_last))
    if plan.wide:
        loss = locator_loss(logits.float(), fractions, WIDE_TARGET.step_mm)
    else:
        loss = fine_loss(logits.float(), fractions, 1.0 if done < ENTROPY_ONLY else 0.0)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - keep)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=75.0, help="training time of both networks together")
    parser.add_argument("--out", type=Path, required=True, help="folder for the ONNX weights")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SPINALQ_SHARED", "../shared")) / "data")
    parser.add_argument("--cache", type=Path, default=Path("out") / "training" / "shapes.npz")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that make images")
    parser.add_argument("--threads", type=int, default=1, help="threads that train")
    parser.add_argument("--fused", action=argparse.BooleanOptionalAction, default=True, help="compile the layers")
    parser.add_argument("--only", choices=("locator", "fine"), help="train one of the two, in all of the time")
    parser.add_argument("--resume", action="store_true", help="go on from the state kept beside the cache")
    return parser.parse_args()


def _plan(name: str, arguments: argparse.Namespace) -> Plan:
    share = 1.0 if arguments.only else (LOCATOR_SHARE if name == "locator" else 1 - LOCATOR_SHARE)
    kept = arguments.cache.with_name(f"{name}.pt")
    seconds = 60 * arguments.minutes * share
    return Plan(name == "locator", seconds, arguments.seed, arguments.workers, kept, arguments.fused)


def main() -> None:
    """Build the shapes, train the fine model and the locator, export both and write what was done."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    library = load_library(arguments.data, arguments.cache)
    for name in ("fine", "locator") if arguments.only is None else (arguments.only,):
        torch.manual_seed(arguments.seed)
        plan = _plan(name, arguments)
        model = (networks.locator() if plan.wide else networks.fine_model()).to(memory_format=torch.channels_last)
        if arguments.resume and plan.kept.is_file():
            model.load_state_dict(torch.load(plan.kept))
        trained, figures = train(model, library, plan)
        export(trained, arguments.out / f"{name}.onnx", WIDE_TARGET if plan.wide else FINE_TARGET)
        record = {"seed": arguments.seed, "workers": arguments.workers, "threads": arguments.threads, **figures}
        (arguments.out / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
