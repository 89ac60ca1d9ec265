"""Training: learns, resumes to the same bits, refuses what would spoil a run."""

import json

import pytest
import torch

from policy_fixtures import CLASSES, one_thread, small_cfg, write_dataset
from sim2real.learn import LearnError, avoidance, load_policy, train
from sim2real.learn.checkpoint import CHECKPOINT_FILE, write_atomically


def weights(folder):
    """Every tensor of a run's policy."""
    return load_policy(folder).model.state_dict()


def test_a_run_learns_and_leaves_what_it_promises(run_dir):
    """Three small epochs separate the classes; policy, metrics, picture and curves are there."""
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert metrics["val_accuracy"] > 0.9
    assert set(metrics["val_accuracy_per_class"]) == set(CLASSES)
    assert sum(map(sum, metrics["confusion"])) == metrics["frames_val"] == 66
    assert metrics["images_per_second"] > 0 and metrics["seconds"] > 0
    assert (run_dir / "confusion.png").read_bytes().startswith(b"\x89PNG")
    assert list((run_dir / "tensorboard").glob("events*"))
    policy = load_policy(run_dir)
    assert policy.classes == CLASSES and policy.task == "avoidance"
    assert policy.spec_hash == f"{3:064x}" and policy.camera["focal_px"] == 20.0
    assert not list(run_dir.glob(".*"))


@pytest.mark.parametrize("preset", ["default", "seed"])
def test_stopped_in_an_epoch_and_resumed_gives_the_same_weights(dataset, tmp_path, monkeypatch, preset):
    """Ctrl-C in the middle of the last epoch keeps the ones before; resuming ends bit-equal to an unbroken run."""
    one_thread()
    cfg = small_cfg(preset=preset, epochs=3, batch_size=16)
    train([dataset], tmp_path / "whole", cfg, progress=False)

    real, seen = avoidance._Run.update_average, []

    def stop_at_the_20th_step(run, step):
        seen.append(step)
        if len(seen) == 20:
            raise KeyboardInterrupt
        real(run, step)

    with monkeypatch.context() as patch:
        patch.setattr(avoidance._Run, "update_average", stop_at_the_20th_step)
        with pytest.raises(KeyboardInterrupt):
            train([dataset], tmp_path / "broken", cfg, progress=False)
    assert (tmp_path / "broken" / CHECKPOINT_FILE).exists()
    assert not (tmp_path / "broken" / "policy.pt").exists()
    result = train([dataset], tmp_path / "broken", cfg, progress=False)
    assert [entry["epoch"] for entry in result.metrics["history"]] == [0, 1, 2]
    whole, broken = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert all(torch.equal(whole[name], broken[name]) for name in whole)


def test_a_finished_run_is_not_trained_again(run_dir, dataset, monkeypatch):
    """The same command on a finished run changes no weight and trains no step."""
    before = weights(run_dir)
    monkeypatch.setattr(avoidance._Run, "run_epoch", lambda *_: pytest.fail("trained again"))
    train([dataset], run_dir, small_cfg(), progress=False)
    after = weights(run_dir)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_another_seed_gives_other_weights(dataset, tmp_path, run_dir):
    """The seed reaches the weights."""
    one_thread()
    train([dataset], tmp_path, small_cfg(epochs=1, seed=8), progress=False)
    train([dataset], tmp_path / "b", small_cfg(epochs=1, seed=9), progress=False)
    assert not torch.equal(weights(tmp_path)["conv1.weight"], weights(tmp_path / "b")["conv1.weight"])


def test_a_run_folder_of_other_settings_is_refused(run_dir, dataset):
    """Resuming with another configuration names the setting and both values."""
    with pytest.raises(LearnError, match=r"other settings \(epochs: there 3, here 4\).*--no-resume"):
        train([dataset], run_dir, small_cfg(epochs=4), progress=False)


def test_a_run_folder_of_another_dataset_is_refused(run_dir, tmp_path):
    """Resuming on other data is refused."""
    other = write_dataset(tmp_path / "other", seed=4)
    with pytest.raises(LearnError, match="dataset_hash: there"):
        train([other], run_dir, small_cfg(), progress=False)


def test_no_resume_starts_over(dataset, tmp_path):
    """Starting over replaces a run of other settings."""
    one_thread()
    train([dataset], tmp_path, small_cfg(epochs=1), progress=False)
    result = train([dataset], tmp_path, small_cfg(epochs=2), resume=False, progress=False)
    assert len(result.metrics["history"]) == 2


def test_a_dataset_of_other_labels_is_refused(tmp_path):
    """Labels of another task are named."""
    other = write_dataset(tmp_path / "other", frames=36, labels=("go", "stop", "wait"))
    with pytest.raises(LearnError, match="has the labels go, stop, wait; this training is for forward, left, right"):
        train([other], tmp_path / "run", small_cfg(), progress=False)


def test_a_damaged_checkpoint_is_a_clear_error(dataset, tmp_path):
    """A checkpoint that torch cannot read is named."""
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"not a checkpoint")
    with pytest.raises(LearnError, match="checkpoint.pt: not a checkpoint"):
        train([dataset], tmp_path, small_cfg(), progress=False)


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    """When the disk is full the old checkpoint stays whole and nothing half-written remains."""
    path = tmp_path / "checkpoint.pt"
    write_atomically(path, {"epoch": 1})
    old = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim2real.learn.checkpoint.os.fsync", full)
    with pytest.raises(LearnError, match="No space left on device.*goes on after the last epoch"):
        write_atomically(path, {"epoch": 2})
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_frames_that_do_not_fit_into_memory_give_the_same_result(dataset, tmp_path, monkeypatch):
    """Frames in a mapped file train to the same bits as frames in memory, and the file is gone afterwards."""
    one_thread()
    cfg = small_cfg(epochs=1)
    train([dataset], tmp_path / "memory", cfg, progress=False)
    monkeypatch.setattr("sim2real.learn.data.IN_MEMORY_BYTES", 0)
    train([dataset], tmp_path / "mapped", cfg, progress=False)
    a, b = weights(tmp_path / "memory"), weights(tmp_path / "mapped")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not list((tmp_path / "mapped").glob(".frames*"))
