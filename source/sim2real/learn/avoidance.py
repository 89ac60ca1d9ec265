"""Train the avoidance classifier: depth frame in, one of three actions out.

Each epoch is a pure function of the configuration, the data and the state that the epoch before left: its random
numbers come from a generator keyed by (seed, epoch). So a run that was killed and resumed ends with the same weights,
bit for bit on a CPU with the same number of threads, as one that was left alone.

What is evaluated and exported is not the last step's network but a running mean of the weights, with its
batch-normalisation statistics measured anew at fixed weights: the running statistics of training lag behind, and have
been seen to cost half of the accuracy in the middle of a cycle.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sim2real.contract import DepthPreprocess
from sim2real.draws.keys import hash64
from sim2real.learn import checkpoint as files
from sim2real.learn.config import TrainCfg
from sim2real.learn.data import DatasetFacts, augment, balanced_order, dataset_facts, load_frames
from sim2real.learn.errors import LearnError
from sim2real.learn.metrics import accuracies, confusion_matrix, write_confusion_picture, write_json
from sim2real.learn.resnet import ResNet18, load_pretrained


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """What a finished training leaves."""

    policy: Path
    """``policy.pt``, for the export."""
    metrics: dict[str, Any]
    """The content of ``metrics.json``."""


def train(
    dataset_dirs: Sequence[str | Path],
    out_dir: str | Path,
    cfg: TrainCfg | None = None,
    *,
    resume: bool = True,
    pretrained: str | Path | None = None,
    device: str = "auto",
    progress: bool = True,
) -> TrainResult:
    """Train on the ``train`` split of some datasets, watch the ``val`` split, and leave a run folder.

    Args:
        dataset_dirs: dataset folders.
        out_dir: the run folder.
        cfg: how to train; None: the preset ``default``.
        resume: go on after the last finished epoch of the run folder; False: start over.
        pretrained: a ResNet18 checkpoint (torchvision's names) to start from.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.
        progress: show a bar with images/s and the time left, on a terminal.

    Raises:
        LearnError: the data, the configuration or the run folder do not allow it.
        KeyboardInterrupt: Ctrl-C; the last finished epoch is kept.
    """
    cfg = cfg or TrainCfg()
    out = Path(out_dir)
    folders = [Path(folder) for folder in dataset_dirs]
    facts = dataset_facts(folders)
    identity = {"cfg": _plain_cfg(cfg), "dataset_hash": facts.dataset_hash, "pretrained": _hash_of(pretrained)}
    out.mkdir(parents=True, exist_ok=True)
    state = files.read_checkpoint(out) if resume else None
    if state is not None:
        _check_same(state["identity"], identity, out)
    run = _Run(cfg, facts, out, _pick_device(device), identity)
    try:
        run.load(folders)
        run.start(state, pretrained)
        return run.finish(progress)
    finally:
        run.close()


class _Run:
    """The state of one training: network, optimiser, running mean, history."""

    def __init__(self, cfg: TrainCfg, facts: DatasetFacts, out: Path, device: torch.device, identity: Any) -> None:
        self.cfg, self.facts, self.out, self.device, self.identity = cfg, facts, out, device, identity
        self.preprocess = DepthPreprocess(
            width=cfg.size, height=cfg.size, near_m=cfg.near_m, far_m=cfg.far_m, resize=cfg.resize
        )
        self.spills = [out / ".frames_train.npy", out / ".frames_val.npy"]
        self.writer: Any = None
        self.history: list[dict[str, Any]] = []
        self.confusion = np.zeros((len(cfg.classes), len(cfg.classes)), np.int64)

    def load(self, folders: Sequence[Path]) -> None:
        """Read both splits and check that they allow a training."""
        cfg = self.cfg
        self.train_set, self.val_set = (
            load_frames(folders, split, self.preprocess, spill, cfg.classes)
            for split, spill in zip(("train", "val"), self.spills, strict=True)
        )
        counts = torch.bincount(self.train_set.labels, minlength=len(cfg.classes)).tolist()
        if 0 in counts:
            shown = ", ".join(f"{name} {count}" for name, count in zip(cfg.classes, counts, strict=True))
            raise LearnError(f"a class has no training frames ({shown}). Generate more frames.")

    def start(self, state: dict[str, Any] | None, pretrained: str | Path | None) -> None:
        """Make the network and the optimiser, or take them from a checkpoint."""
        cfg = self.cfg
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(hash64(cfg.seed, "learn.init") >> 1)
            self.model = ResNet18(len(cfg.classes), 1, cfg.width)
        if pretrained is not None and state is None:
            data = torch.load(pretrained, map_location="cpu", weights_only=True)
            load_pretrained(self.model, data.get("state_dict", data))
        self.model = self.model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[cfg.optimizer]
        self.optimizer = kind(self.model.parameters(), lr=cfg.learning_rate, weight_decay=cfg.weight_decay, fused=True)
        self.schedule = None
        if cfg.schedule == "onecycle":
            self.schedule = torch.optim.lr_scheduler.OneCycleLR(
                self.optimizer, cfg.learning_rate, total_steps=self.steps * cfg.epochs
            )
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.schedule is not None:
                self.schedule.load_state_dict(state["schedule"])
            self.history = list(state["history"])
            self.confusion = np.asarray(state["confusion"], np.int64)

    @property
    def steps(self) -> int:
        """Optimiser steps per epoch."""
        return max(1, len(self.train_set.labels) // self.cfg.batch_size)

    def finish(self, progress: bool) -> TrainResult:
        """Run the epochs that are left, then write what the run leaves."""
        from torch.utils.tensorboard import SummaryWriter
        from tqdm import tqdm

        cfg, done = self.cfg, len(self.history)
        self.writer = SummaryWriter(str(self.out / "tensorboard"), purge_step=done)
        images = self.steps * cfg.batch_size
        bar = tqdm(
            total=images * cfg.epochs,
            initial=images * done,
            unit="img",
            desc="train",
            mininterval=0.5,
            disable=None if progress else True,
        )
        with bar:
            for epoch in range(done, cfg.epochs):
                entry = self.run_epoch(epoch, bar)
                self.save_epoch(entry)
                bar.set_postfix(epoch=f"{epoch + 1}/{cfg.epochs}", val=f"{entry['val_accuracy']:.1%}")
        return self.write_results()

    def run_epoch(self, epoch: int, bar: Any) -> dict[str, Any]:
        """One pass over the training set and one over the validation set."""
        began = time.perf_counter()
        loss_sum, images = 0.0, 0
        self.model.train()
        for step, (inputs, labels) in enumerate(self.batches(epoch)):
            loss = nn.functional.cross_entropy(self.model(inputs), labels, label_smoothing=self.cfg.label_smoothing)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            if self.schedule is not None:
                self.schedule.step()
            self.update_average(epoch * self.steps + step)
            loss_sum += float(loss.detach()) * len(labels)
            images += len(labels)
            bar.update(len(labels))
        trained = time.perf_counter()
        loss_mean = loss_sum / images
        if not np.isfinite(loss_mean):
            raise LearnError(f"the loss became {loss_mean} in epoch {epoch + 1}; lower the learning rate.")
        val_loss = self.validate(epoch)
        accuracy, per_class = accuracies(self.confusion, self.cfg.classes)
        return {
            "epoch": epoch,
            "train_loss": loss_mean,
            "val_loss": val_loss,
            "val_accuracy": accuracy,
            "val_accuracy_per_class": per_class,
            "images": images,
            "train_seconds": trained - began,
            "seconds": time.perf_counter() - began,
        }

    def batches(self, epoch: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The augmented batches of an epoch; the same for the same seed and epoch."""
        cfg = self.cfg
        generator = torch.Generator().manual_seed(hash64(cfg.seed, f"learn.epoch.{epoch}") >> 1)
        labels, mirrored = self.train_set.labels, torch.tensor(cfg.mirrored)
        if cfg.balanced:
            order = balanced_order(labels, len(cfg.classes), generator)
        else:
            order = torch.randperm(len(labels), generator=generator)
        order = order.repeat(-(-self.steps * cfg.batch_size // len(order)))
        for step in range(self.steps):
            rows = order[step * cfg.batch_size : (step + 1) * cfg.batch_size]
            inputs, wanted = augment(
                self.train_set.batch(rows), labels[rows], cfg.flip, mirrored, cfg.noise_std, generator
            )
            yield self.to_device(inputs), wanted.to(self.device)

    def to_device(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs in the layout and on the device of the network."""
        return inputs.to(self.device).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def update_average(self, step: int) -> None:
        """Move the running mean of the weights; its window grows with the first steps."""
        decay = min(self.cfg.ema_decay, (1.0 + step) / (10.0 + step))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value.detach(), 1.0 - decay)

    @torch.no_grad()
    def validate(self, epoch: int) -> float:
        """Measure the batch statistics of the averaged network, then its confusion matrix and loss."""
        cfg = self.cfg
        self.measure_statistics()
        loss, answers = 0.0, []
        for rows in torch.arange(len(self.val_set.labels)).split(128):
            logits = self.average(self.to_device(self.val_set.batch(rows))).float().cpu()
            wanted = self.val_set.labels[rows]
            loss += float(nn.functional.cross_entropy(logits, wanted, reduction="sum"))
            answers.append(logits.argmax(1))
        self.confusion = confusion_matrix(self.val_set.labels.numpy(), torch.cat(answers).numpy(), len(cfg.classes))
        return loss / len(self.val_set.labels)

    def measure_statistics(self) -> None:
        """Set the batch-normalisation statistics of the averaged network to means over fixed training frames."""
        cfg = self.cfg
        layers = [layer for layer in self.average.modules() if isinstance(layer, nn.BatchNorm2d)]
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # a plain mean over the batches
        generator = torch.Generator().manual_seed(hash64(cfg.seed, "learn.statistics") >> 1)
        rows = balanced_order(self.train_set.labels, len(cfg.classes), generator)[: cfg.batchnorm_frames]
        self.average.train()
        for part in rows.split(cfg.batch_size):
            if len(part) > 1:
                self.average(self.to_device(self.train_set.batch(part)))
        self.average.eval()
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum

    def save_epoch(self, entry: dict[str, Any]) -> None:
        """Keep the epoch: history, curves, checkpoint."""
        self.history.append(entry)
        epoch = entry["epoch"]
        for name in ("train_loss", "val_loss", "val_accuracy"):
            self.writer.add_scalar(name, entry[name], epoch)
        for name, value in entry["val_accuracy_per_class"].items():
            if value is not None:
                self.writer.add_scalar(f"val_accuracy_{name}", value, epoch)
        self.writer.add_scalar("learning_rate", self.optimizer.param_groups[0]["lr"], epoch)
        self.writer.add_scalar("images_per_second", entry["images"] / entry["train_seconds"], epoch)
        self.writer.flush()
        files.write_checkpoint(
            self.out,
            {
                "identity": self.identity,
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict() if self.schedule is not None else None,
                "history": self.history,
                "confusion": self.confusion.tolist(),
            },
        )

    def write_results(self) -> TrainResult:
        """Write policy, metrics and picture."""
        cfg, last = self.cfg, self.history[-1]
        seconds = sum(entry["train_seconds"] for entry in self.history)
        metrics = {
            "preset": cfg.preset,
            "epochs": cfg.epochs,
            "frames_train": len(self.train_set.labels),
            "frames_val": len(self.val_set.labels),
            "val_accuracy": last["val_accuracy"],
            "val_accuracy_per_class": last["val_accuracy_per_class"],
            "val_loss": last["val_loss"],
            "confusion": self.confusion.tolist(),
            "classes": list(cfg.classes),
            "images_per_second": sum(entry["images"] for entry in self.history) / seconds,
            "seconds": sum(entry["seconds"] for entry in self.history),
            "device": str(self.device),
            "threads": torch.get_num_threads(),
            "history": self.history,
        }
        model = copy.deepcopy(self.average).cpu().to(memory_format=torch.contiguous_format)
        policy = files.Policy(
            model=model,
            classes=cfg.classes,
            preprocess=self.preprocess,
            task=self.facts.task,
            dataset_hash=self.facts.dataset_hash,
            spec_hash=self.facts.spec_hash,
            camera=self.facts.camera,
            train=asdict(cfg),
        )
        path = self.out / files.POLICY_FILE
        files.save_policy(path, policy)
        title = f"validation: {last['val_accuracy']:.1%} of {len(self.val_set.labels)} frames"
        write_confusion_picture(self.out / "confusion.png", self.confusion, cfg.classes, title)
        write_json(self.out / "metrics.json", metrics)
        return TrainResult(policy=path, metrics=metrics)

    def close(self) -> None:
        """Flush the curves and drop the mapped frames."""
        if self.writer is not None:
            self.writer.close()
        for spill in self.spills:
            spill.unlink(missing_ok=True)


def _plain_cfg(cfg: TrainCfg) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(cfg).items()}


def _check_same(kept: dict[str, Any], wanted: dict[str, Any], out: Path) -> None:
    """Raise unless a checkpoint belongs to this configuration and data."""
    old, new = {**kept, **kept["cfg"]}, {**wanted, **wanted["cfg"]}
    differing = [name for name in new if name != "cfg" and old.get(name) != new[name]]
    if differing:
        shown = "; ".join(f"{name}: there {old.get(name)!r}, here {new[name]!r}" for name in differing)
        raise LearnError(
            f"{out} holds a training with other settings ({shown}). Use another folder, or start over with --no-resume."
        )


def _hash_of(path: str | Path | None) -> str | None:
    """SHA-256 of a file, to recognise it."""
    import hashlib

    if path is None:
        return None
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise LearnError(f"{path}: the pretrained checkpoint cannot be read ({error.strerror}).") from None


def _pick_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(device)
    except RuntimeError:
        raise LearnError(f"unknown device {device!r}; allowed: auto, cpu, cuda, cuda:N.") from None
