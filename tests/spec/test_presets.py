"""The presets that come with the package: all of them read, and the avoidance lab's three belong together."""

import math
from pathlib import Path

import pytest

from sim2real import paths
from sim2real.spec import Spec, load_spec, parse_spec, preset_names
from sim2real.spec.distributions import Distribution


@pytest.mark.parametrize("name", preset_names())
def test_presets_read_and_round_trip(name: str) -> None:
    """A preset is found by its name and by its path, and written back the same."""
    spec = load_spec(name)
    assert load_spec(paths.presets_dir() / "randomization" / f"{name}.yaml") == spec
    assert parse_spec(spec.to_yaml()) == spec


def test_presets_are_found_in_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed wheel has the presets inside the package; a checkout has them in config/."""
    assert paths.presets_dir() == Path(__file__).parents[2] / "config"
    folder = tmp_path / "presets" / "randomization" / "seeds"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("schema: 1\nseed: 3\n")
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    assert preset_names() == ["seeds/a"]
    assert load_spec("seeds/a").seed == 3


def camera_ranges(spec: Spec) -> dict[str, Distribution]:
    """Return everything that is uncertain about the camera, by name."""
    ranges = {name: term.dist for name, term in spec.terms.items() if term.target.startswith("camera.")}
    return ranges | {f"depth.{name}": dist for name, dist in spec.vision["depth"].overrides.items()}


def test_outside_lies_beyond_inside() -> None:
    """Each camera and noise range of ``avoidance_outside`` has no value in common with that of ``avoidance``."""
    inside, outside = camera_ranges(load_spec("avoidance")), camera_ranges(load_spec("avoidance_outside"))
    assert set(inside) == set(outside) and len(inside) >= 8
    for name, dist in inside.items():
        (lows, highs), (far_lows, far_highs) = dist.bounds(), outside[name].bounds()
        for low, high, far_low, far_high in zip(lows, highs, far_lows, far_highs, strict=True):
            assert far_low > high or far_high < low, name


def test_scenes_are_the_same() -> None:
    """The three specs differ in the camera only, so that scenes can be compared pairwise."""
    specs = [load_spec(name) for name in ("avoidance", "avoidance_outside", "avoidance_nominal")]
    scenes = [{n: t for n, t in s.terms.items() if not t.target.startswith("camera.")} for s in specs]
    assert scenes[0] == scenes[1] == scenes[2]
    assert specs[0].seed == specs[1].seed == specs[2].seed
    assert {"root.position", "root.yaw", "obstacle.count", "obstacle.yaw"} <= {t.target for t in scenes[0].values()}


def test_avoidance_draws_what_the_lab_needs() -> None:
    """Focal length within 10 %, camera within a centimetre and two degrees, 8 to 12 obstacles, a D435."""
    spec = load_spec("avoidance")
    (focal,) = spec.targeting("camera.focal_length").values()
    assert focal.dist.bounds() == ((0.9,), (1.1,))
    (position,) = spec.targeting("camera.position").values()
    assert position.dist.bounds() == ((-0.01,) * 3, (0.01,) * 3)
    (rotation,) = spec.targeting("camera.rotation").values()
    assert rotation.dist.bounds()[1] == pytest.approx((math.radians(2.0),) * 3)
    (count,) = spec.targeting("obstacle.count").values()
    assert count.dist.bounds() == ((8.0,), (12.0,))
    assert spec.vision["depth"].preset == "realsense_d435"


def test_nominal_has_no_camera_randomization() -> None:
    """An ideal camera, exactly mounted."""
    nominal = load_spec("avoidance_nominal")
    assert camera_ranges(nominal) == {}
    assert nominal.vision["depth"].preset == "ideal"
