"""Sampling and augmentation: balanced, and true to the label."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.learn import TrainCfg
from sim2real.learn.data import augment, balanced_order
from sim2real.learn.metrics import accuracies, confusion_matrix


@given(counts=st.tuples(*[st.integers(1, 40)] * 3), seed=st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_an_epoch_shows_every_class_equally_often(counts, seed):
    """Whatever the class sizes, the counts per class are equal, and no frame comes twice before all came once."""
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor(counts))
    order = balanced_order(labels, 3, torch.Generator().manual_seed(seed))
    per_class = torch.bincount(labels[order], minlength=3)
    assert per_class.unique().numel() == 1
    shown = torch.bincount(order, minlength=len(labels))
    for label in range(3):
        times = shown[labels == label]
        assert times.max() - times.min() <= 1


def test_a_mirrored_frame_gets_the_mirrored_label():
    """A frame whose left half is near means 'right'; mirrored it must mean 'left', whichever frames are chosen."""
    inputs = torch.full((200, 1, 4, 4), 0.9)
    inputs[:, :, :, :2] = 0.2
    labels = torch.full((200,), 2)
    mirrored = torch.tensor(TrainCfg().mirrored)
    out, wanted = augment(inputs, labels, True, mirrored, 0.0, torch.Generator().manual_seed(1))
    near_left = out[:, 0, 0, 0] < 0.5
    assert 60 < int(near_left.sum()) < 140
    assert torch.equal(wanted, torch.where(near_left, 2, 1))


def test_noise_leaves_invalid_pixels_invalid():
    """Zero means no reading; noise must not turn it into a surface, nor a surface into no reading."""
    inputs = torch.rand(8, 1, 16, 16).clamp(0.002, 1.0)
    inputs[:, :, :4] = 0.0
    out, _ = augment(inputs, torch.zeros(8).long(), False, torch.arange(3), 0.5, torch.Generator().manual_seed(1))
    assert torch.equal(out == 0, inputs == 0)
    assert out.max() <= 1.0
    assert not torch.equal(out, inputs)


def test_the_confusion_matrix_counts_labels_in_rows():
    """A known small case, with a class that has no frames."""
    matrix = confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 0, 2, 1]), 3)
    assert matrix.tolist() == [[2, 0, 1], [0, 1, 0], [0, 0, 0]]
    overall, per_class = accuracies(matrix, ("a", "b", "c"))
    assert overall == 0.75
    assert per_class == {"a": 2 / 3, "b": 1.0, "c": None}
