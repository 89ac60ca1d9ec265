"""Replicator's names in the stand-in: every call that NVIDIA's own code makes binds, and nothing else does."""

import inspect
import json
from pathlib import Path

import pytest

import kit_double
from kit.replicator_scene import new_stage
from kit_double.replicator import _rep

CALLS = json.loads((Path(kit_double.__file__).parent / "data" / "replicator_calls.json").read_text())["calls"]
VERSIONS = {"5.1.0": "5.1", "6.0.1": "6.0"}
OF_SCRIPTS = {  # functions that the scripts registered themselves
    "cube_color_randomizer", "place_cones", "randomize_bin_flip_lights", "randomize_colors", "randomize_domelight",
    "randomize_lights", "randomize_sphere_lights", "scatter_boxes",
}  # fmt: skip
INSIDE = {"vp_manager.attach_hydra_texture"}  # a module that Replicator does not document


def public_calls(release):
    """The calls of a release that are the stand-in's to accept."""
    for name, used in CALLS[release].items():
        if name.rpartition(".")[2] not in OF_SCRIPTS and name not in INSIDE:
            yield name, used


def found(rep, name):
    """What the stand-in has under a dotted name."""
    for part in name.split("."):
        rep = getattr(rep, part)
    return rep


@pytest.mark.parametrize("release", VERSIONS)
def test_calls_of_isaac_sim_itself_bind(release):
    with kit_double.installed(VERSIONS[release]):
        import omni.replicator.core as rep

        seen = 0
        for name, used in public_calls(release):
            function = found(rep, name)
            if "._default_" in name:
                continue  # methods of a list
            signature = inspect.signature(function)
            if name == "rng.ReplicatorRNG":
                signature = kit_double.signature_of(_rep.entry_of(name, VERSIONS[release]))
            parameters = signature.parameters.values()
            keywords = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
            free = any(p.kind is p.VAR_KEYWORD for p in parameters)
            places = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
            for key in used:
                if key.startswith("positional:"):
                    assert int(key.partition(":")[2]) <= places, f"{name}{signature} gets {key}"
                elif key != "**":
                    assert free or key in keywords, f"{name}{signature} gets {key}="
            seen += 1
        assert seen > 60


def test_every_tabled_name_is_there(kit):
    import omni.replicator.core as rep

    classes = {"Annotator": rep.annotators.Annotator, "Augmentation": rep.annotators.Augmentation, "Writer": rep.Writer,
               "BasicWriter": rep.BasicWriter, "DiskBackend": rep.backends.DiskBackend}  # fmt: skip
    for name in _rep.table():
        owner, _, rest = name.partition(".")
        if not _rep.entry_of(name, kit.version):
            with pytest.raises(AttributeError):
                found(rep, name)
        elif owner in classes:
            assert hasattr(classes[owner], rest), name
        else:
            assert callable(found(rep, name)), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rep: rep.create.cube(postion=(0, 0, 0)), "no keyword 'postion'; nearest: 'position'"),
        (lambda rep: rep.create.camera(scale=2.0), "no keyword 'scale'"),
        (lambda rep: rep.create.camera(semantics={"class": "a"}), "no keyword 'semantics'"),
        (lambda rep: rep.create.torus(as_mesh=False), "no keyword 'as_mesh'"),
        (lambda rep: rep.functional.create.camera(semantics={"class": "a"}), "no keyword 'semantics'"),
        (lambda rep: rep.modify.pose(translation=(0, 0, 0)), "no keyword 'translation'"),
        (lambda rep: rep.trigger.on_frame(num=3), "no keyword 'num'"),
        (lambda rep: rep.orchestrator.step_async(subframes=3), "no keyword 'subframes'"),
        (lambda rep: rep.create.render_product("/Eye"), "resolution"),
    ],
)
def test_unknown_keywords_name_the_nearest(kit, call, message):
    new_stage(kit)
    import omni.replicator.core as rep

    with pytest.raises(TypeError, match=message):
        call(rep)


def test_names_of_the_other_version_are_refused():
    with kit_double.installed("5.1") as kit:
        new_stage(kit)
        import omni.replicator.core as rep

        with pytest.raises(TypeError, match="tick_rate"):
            rep.create.camera(tick_rate=30.0)
        with pytest.raises(TypeError, match="write_to_usd"):
            rep.functional.modify.pose(rep.functional.create.cube(), position_value=(0, 0, 1), write_to_usd=True)
        with pytest.raises(AttributeError, match="display_color"):
            rep.functional.randomizer.display_color  # noqa: B018
        with pytest.raises(ModuleNotFoundError, match=r"Isaac Sim 6\.0 has it"):
            import omni.replicator.core.functional.get  # noqa: F401
    with kit_double.installed("6.0") as kit:
        new_stage(kit)
        import omni.replicator.core as rep

        cube = rep.functional.create.cube()
        rep.functional.modify.pose(cube, position_value=(0.0, 0.0, 1.0), write_to_usd=True)
        rep.functional.randomizer.display_color(cube, rng=rep.rng.ReplicatorRNG(seed=3))
        assert cube.GetAttribute("primvars:displayColor").Get() is not None
        assert rep.functional.get.renderproduct() == []


def test_what_exists_and_is_not_played_says_so(kit):
    new_stage(kit)
    import omni.replicator.core as rep

    with pytest.raises(NotImplementedError, match="does not play"):
        rep.create.stereo_camera(0.1)
    with pytest.raises(NotImplementedError, match="does not play"):
        rep.writers.get("CocoWriter")
    with pytest.raises(rep.WriterRegistryError, match="nearest: 'BasicWriter'"):
        rep.writers.get("BasicWritter")
    with pytest.raises(Exception, match="nearest: 'distance_to_image_plane'"):
        rep.annotators.get("distance_to_imageplane")


def test_submodules_are_the_same_however_they_are_imported(kit):
    import omni.replicator.core as rep
    import omni.replicator.core.functional as functional
    from omni.replicator.core import distribution
    from omni.replicator.core.functional import create

    assert rep.functional is functional and rep.distribution is distribution and functional.create is create
