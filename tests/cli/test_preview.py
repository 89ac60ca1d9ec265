"""The preview verb end to end: a spec's page, a dataset's page, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from sim2real.cli.main import main


def test_a_spec_makes_a_page(tmp_path, capsys):
    """Without a dataset the page comes out of the analytic scenes, and its path is printed."""
    out = tmp_path / "runs" / "page.html"
    assert main(["preview", "avoidance", "--frames", "2", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip().endswith(str(out))
    page = out.read_text(encoding="utf-8")
    assert page.count("<img ") == 2 * 4
    assert "realsense_d435" in page and "focal_length" in page


@pytest.mark.parametrize("spec", ["avoidance_nominal", "avoidance_outside"])
def test_every_preset_of_the_lab_can_be_shown(spec, tmp_path):
    """An ideal camera has no noise law and zero error; one outside the ranges is drawn too."""
    assert main(["preview", spec, "--frames", "1", "--out", str(tmp_path / "p.html")]) == 0


def test_a_spec_of_colour_makes_a_page_of_colour(tmp_path):
    """Seed 001 has no depth camera: its page shows clean pictures, and three episodes of each."""
    out = tmp_path / "p.html"
    assert main(["preview", "seeds/001", "--frames", "2", "--episodes", "3", "--out", str(out)]) == 0
    page = out.read_text(encoding="utf-8")
    assert page.count("<img ") == 2 * (1 + 3)
    assert "blur_std_px" in page and "--episodes 3" in page and "noise law" not in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such_spec"], "no_such_spec"),
        (["--frames", "0"], "--frames"),
        (["--episodes", "0"], "--episodes"),
        (["gymnasium"], "no depth camera"),
        (["--dataset", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_input_is_an_error_of_the_user(arguments, said, tmp_path, capsys):
    """Each exits with 2, names what came, and writes nothing."""
    assert main(["preview", *arguments, "--out", str(tmp_path / "p.html")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "p.html").exists()


def test_a_dataset_shows_its_stored_frames(tmp_path):
    """The rows are the dataset's own frames with label and drawn values; no error is claimed."""
    from datasets import synthetic
    from sim2real.cli.preview import dataset_rows
    from sim2real.datasets import DepthDataset

    synthetic.write(tmp_path / "set", synthetic.manifest(frames=20))
    rows = dataset_rows(str(tmp_path / "set"), 3)
    stored = DepthDataset(tmp_path / "set")
    assert len(rows) == 3
    np.testing.assert_array_equal(rows[-1].noisy, stored[len(stored) - 1].depth_m)
    assert main(["preview", "--dataset", str(tmp_path / "set"), "--out", str(tmp_path / "p.html")]) == 0
    assert "RMS" not in (tmp_path / "p.html").read_text(encoding="utf-8")
