"""Kinds of films; the poses themselves are filmed where a policy is trained, in tests/learn/test_rl_training.py."""

import pytest
from PIL import Image

from sim2real.evaluate.transfer_film import animated
from sim2real.pipeline.film_run import FilmError, _as_gif, check_film


def test_a_gif_has_the_frames_of_the_film(tmp_path):
    """As many, in their order and for their time."""
    colours = [(250, 20, 20), (20, 250, 20), (20, 20, 250)]
    _as_gif(animated([Image.new("RGB", (40, 30), colour) for colour in colours]), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3 and film.info["duration"] == 80
        for number, colour in enumerate(colours):
            film.seek(number)
            seen = film.convert("RGB").getpixel((20, 15))
            assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 60


@pytest.mark.parametrize("name", ["walk.mp4", "walk"])
def test_what_cannot_be_written_is_refused(name, tmp_path):
    """Before anything is played."""
    with pytest.raises(FilmError, match="written as .webp, .gif, .png"):
        check_film(tmp_path / name)
    assert check_film(tmp_path / "Walk.WEBP").name == "Walk.WEBP"
