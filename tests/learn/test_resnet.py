"""ResNet18: torchvision's names and arithmetic."""

import pytest
import torch

from sim2real.learn import LearnError, ResNet18, load_pretrained

torchvision = pytest.importorskip("torchvision")


@pytest.fixture(scope="module")
def reference():
    """torchvision's ResNet18 with statistics that are not the initial ones."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=3)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return model.eval()


def test_names_and_shapes_are_torchvisions(reference):
    """Equal key sets, in the same order, with equal shapes."""
    ours = ResNet18(3, 3).state_dict()
    theirs = reference.state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    assert list(ours) == list(theirs)


def test_outputs_equal_torchvisions(reference):
    """With torchvision's weights the outputs are torchvision's."""
    model = ResNet18(3, 3).eval()
    assert load_pretrained(model, reference.state_dict()) == []
    x = torch.rand(2, 3, 40, 56)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(x), rtol=1e-5, atol=1e-5)


def test_a_colour_checkpoint_answers_grey_images_alike(reference):
    """Summing conv1 over channels: depth through one channel equals the same image in all three."""
    model = ResNet18(3, 1).eval()
    load_pretrained(model, reference.state_dict())
    assert torch.equal(model.conv1.weight, reference.conv1.weight.sum(1, keepdim=True))
    x = torch.rand(2, 1, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(model(x), reference(x.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_a_head_for_other_classes_stays_fresh(reference):
    """A checkpoint of 1000 classes fills everything but the last layer, and says so."""
    state = dict(reference.state_dict())
    state["fc.weight"], state["fc.bias"] = torch.zeros(1000, 512), torch.zeros(1000)
    model = ResNet18(3, 1)
    head = model.fc.weight.clone()
    assert load_pretrained(model, state) == ["fc.weight", "fc.bias"]
    assert torch.equal(model.fc.weight, head)


def test_a_foreign_checkpoint_is_refused(reference):
    """Names that are not ResNet18's are shown."""
    state = {f"module.{name}": value for name, value in reference.state_dict().items()}
    with pytest.raises(LearnError, match="not a ResNet18: unknown .'module"):
        load_pretrained(ResNet18(3, 1), state)


def test_a_small_width_keeps_the_names():
    """The test-sized network has the same names."""
    assert list(ResNet18(3, 1, 8).state_dict()) == list(ResNet18(3, 1).state_dict())
