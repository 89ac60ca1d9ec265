"""Augmentations of the stand-in for Replicator: kernels are run from their copied source, as OgnAugment runs them."""

import numpy as np
import pytest
import warp as wp

from kit.replicator_scene import build, collector, finish, step


@wp.kernel
def add_noise(data_in: wp.array2d(dtype=wp.float32), data_out: wp.array2d(dtype=wp.float32), sigma: float, seed: int):
    i, j = wp.tid()
    state = wp.rand_init(seed, i * data_in.shape[1] + j)
    data_out[i, j] = data_in[i, j] + sigma * wp.randn(state)


@wp.kernel
def keep_red(data_in: wp.array3d(dtype=wp.uint8), data_out: wp.array3d(dtype=wp.uint8)):
    i, j = wp.tid()
    data_out[i, j, 0] = data_in[i, j, 0]
    data_out[i, j, 3] = data_in[i, j, 3]


SCALE = 2.0


@wp.kernel
def lean_on_module(data_in: wp.array2d(dtype=wp.float32), data_out: wp.array2d(dtype=wp.float32)):
    i, j = wp.tid()
    data_out[i, j] = data_in[i, j] * SCALE


def halve(data_in, factor=0.5):
    return data_in * np.float32(factor)


@pytest.fixture
def opted_in(kit_51):
    import carb.settings

    carb.settings.get_settings().set_bool("/app/omni.graph.scriptnode/opt_in", True)
    yield kit_51
    carb.settings.get_settings().set_bool("/app/omni.graph.scriptnode/opt_in", False)


def augmented(scene, source, *steps, name=None):
    annotator = scene.rep.annotators.get(source)
    for function, values in steps:
        annotator.augment(scene.rep.annotators.Augmentation.from_function(function, **values), name=name)
    annotator.attach(scene.product)
    return annotator


def errors(noisy, clean):
    seen = np.isfinite(clean.get_data())
    return noisy.get_data().numpy()[seen] - clean.get_data()[seen]


def test_depth_noise_runs_on_the_buffer_with_a_seed_per_frame(opted_in):
    scene = build(opted_in)
    noisy = augmented(scene, "distance_to_image_plane", (add_noise, {"sigma": 0.02, "seed": 7}))
    clean = augmented(scene, "distance_to_image_plane")
    frames = []
    for _ in range(2):
        step(opted_in, scene.rep)
        frames.append(errors(noisy, clean))
        np.testing.assert_array_equal(noisy.get_data().numpy(), noisy.get_data().numpy())
    assert 0.018 < frames[0].std() < 0.022 and not np.allclose(frames[0], frames[1])
    finish(opted_in, scene.rep)
    step(opted_in, scene.rep)
    np.testing.assert_allclose(errors(noisy, clean), frames[0])
    for annotator in (noisy, clean):
        annotator.detach()
    finish(opted_in, scene.rep)
    scene.product.destroy()


def test_augmentations_compose_and_reach_writers(opted_in):
    scene = build(opted_in)
    rep = scene.rep
    red = augmented(scene, "rgb", (keep_red, {}))
    half = augmented(scene, "distance_to_camera", (halve, {"factor": 0.25}))
    clean = augmented(scene, "distance_to_camera")
    rep.annotators.register_augmentation(
        "sim2real_noise", rep.annotators.Augmentation.from_function(add_noise, sigma=0.0)
    )
    writer = collector(rep, "annotator")
    writer.augment_annotator("distance_to_image_plane", "sim2real_noise", sigma=5.0, seed=3)
    writer.attach([scene.product])
    step(opted_in, rep)
    picture = red.get_data().numpy()
    assert picture[..., 0].any() and not picture[..., 1:3].any()
    both = np.isfinite(clean.get_data())
    np.testing.assert_allclose(half.get_data()[..., 0][both], 0.25 * clean.get_data()[both])
    noisy = writer.frames[0]["annotators"]["distance_to_image_plane"]["view"]["data"]
    assert np.nanstd(noisy.numpy()[np.isfinite(noisy.numpy())]) > 3.0
    rep.annotators.unregister_augmentation("sim2real_noise")
    for annotator in (red, half, clean):
        annotator.detach()
    writer.detach()
    rep.writers.unregister_writer("Collector")
    finish(opted_in, rep)
    scene.product.destroy()


def test_without_opt_in_an_augmentation_gives_nothing(kit_51):
    scene = build(kit_51)
    noisy = augmented(scene, "distance_to_image_plane", (add_noise, {"sigma": 0.1}))
    step(kit_51, scene.rep)
    assert np.asarray(noisy.get_data()).shape == (0,)
    assert kit_51.state["carb.log"][-1] == ("warn", "Augmentation cannot run, script nodes are disabled.")
    noisy.detach()
    finish(kit_51, scene.rep)
    scene.product.destroy()


def test_what_a_copied_source_cannot_do_is_refused(opted_in):
    scene = build(opted_in)
    make = scene.rep.annotators.Augmentation.from_function
    factor = 3.0

    def closes_over(data_in):
        return data_in * factor

    with pytest.raises(Exception, match="closes over"):
        make(closes_over)
    with pytest.raises(Exception, match="no parameter"):
        make(add_noise, strength=1.0)
    with pytest.raises(Exception, match="counts bytes"):
        make(keep_red, data_out_shape=(-1, -1, 3))
    with pytest.raises(Exception, match="needs \\['sigma'\\]"):
        scene.rep.annotators.get("rgb").augment(make(add_noise))
    with pytest.raises(TypeError, match="from_function"):
        scene.rep.annotators.Augmentation("node")
    wrong = augmented(scene, "rgb", (add_noise, {"sigma": 1.0}))
    opted_in.expect_fault("data_in is uint8")
    step(opted_in, scene.rep)
    assert np.asarray(wrong.get_data()).shape == (0,)
    wrong.detach()
    lost = augmented(scene, "distance_to_camera", (lean_on_module, {}))
    with pytest.raises(Exception, match="only wp, np, og, carb and rep"):
        step(opted_in, scene.rep)
    lost.detach()
    finish(opted_in, scene.rep)
    scene.product.destroy()
