"""ResNet18 for depth: He et al., "Deep Residual Learning for Image Recognition" (2015), with one input channel.

The names of the weights are torchvision's, so a checkpoint made with torchvision loads unchanged; where it was trained
on colour, :func:`load_pretrained` folds the three input channels into one. Own module because torchvision is a heavy
dependency with compiled operators, none of which a classifier needs.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from sim2real.learn.errors import LearnError


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut."""

    def __init__(self, in_planes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_planes != planes:
            self.downsample = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, in_planes, H, W) -> (N, planes, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + shortcut)


class ResNet18(nn.Module):
    """ResNet18; ``width`` 64 is the published one, less makes a small one for tests and small machines."""

    def __init__(self, num_classes: int = 3, in_channels: int = 1, width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._stage(width, width, 1)
        self.layer2 = self._stage(width, 2 * width, 2)
        self.layer3 = self._stage(2 * width, 4 * width, 2)
        self.layer4 = self._stage(4 * width, 8 * width, 2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def _stage(in_planes: int, planes: int, stride: int) -> nn.Sequential:
        return nn.Sequential(BasicBlock(in_planes, planes, stride), BasicBlock(planes, planes, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, in_channels, H, W) -> logits (N, num_classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def load_pretrained(model: ResNet18, state: Mapping[str, torch.Tensor]) -> list[str]:
    """Load the weights of a torchvision-style checkpoint, as far as they fit.

    A first convolution of more channels than the model has is summed over its channels, which answers a grey image as
    the original answers it in all channels. A last layer for another number of classes keeps its fresh weights.

    Args:
        model: the model to fill.
        state: ``torchvision.models.resnet18(...).state_dict()`` or one saved from it.

    Returns:
        The names that kept their fresh weights.

    Raises:
        LearnError: names or shapes are not those of a ResNet18.
    """
    own = model.state_dict()
    state = dict(state)
    conv = state.get("conv1.weight")
    if conv is not None and conv.ndim == 4 and conv.shape[1] != own["conv1.weight"].shape[1] == 1:
        state["conv1.weight"] = conv.sum(dim=1, keepdim=True)
    fresh: list[str] = [
        name for name in ("fc.weight", "fc.bias") if name in state and state[name].shape != own[name].shape
    ]
    for name in fresh:
        state[name] = own[name]
    unknown, missing = sorted(set(state) - set(own)), sorted(set(own) - set(state))
    wrong = [name for name in own if name in state and state[name].shape != own[name].shape]
    if unknown or missing or wrong:
        raise LearnError(
            f"the checkpoint is not a ResNet18: unknown {unknown[:3]}, missing {missing[:3]}, other shape {wrong[:3]}. "
            "Give the state_dict of torchvision.models.resnet18 or of a policy trained here."
        )
    model.load_state_dict(state)
    return fresh
