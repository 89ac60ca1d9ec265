"""omni.ui of the stand-in: what Kit would ignore or crash on raises; what it would draw is there."""

import numpy as np
import pytest

from kit_double.ui import omni_ui
from kit_double.ui._values import CALLBACK_ARITY, check_keyword
from kit_double.ui._widget import table

POSITIONAL = {"Label": ("text",), "Plot": (), "Window": ("title",), "ToolBar": ("title",)}
IN_MENU = {"MenuItem", "Separator"}


def make(ui, name, /, **keywords):
    """One of a class, where it may stand."""
    if name == "RadioButton":
        keywords.setdefault("radio_collection", ui.RadioCollection())
    if name in IN_MENU:
        with ui.Menu("menu"):
            return getattr(ui, name)("line", **keywords)
    return getattr(ui, name)(*POSITIONAL.get(name, ()), **keywords)


def some_value(ui, key):
    """A value that the keyword takes."""
    if key.endswith("_fn"):
        return lambda *args: None
    if key == "delegate":
        return ui.AbstractItemDelegate()
    candidates = (True, "text", 3, ui.Pixel(4), ui.Alignment.CENTER, {"color": 0xFF000000}, [],
                  ui.ScrollBarPolicy.SCROLLBAR_ALWAYS_OFF, ui.Direction.LEFT_TO_RIGHT)  # fmt: skip
    for value in candidates:
        try:
            return check_keyword("Widget", key, value, set(), {})
        except (TypeError, ValueError):
            continue
    raise AssertionError(f"no value for {key}")


def test_every_class_takes_its_keywords_and_no_other(kit_51):
    import omni.ui as ui

    assert set(table()) - set(dir(ui)) == omni_ui.NOT_PLAYED
    skipped = {
        "fill_policy",
        "radio_collection",
        "drag_axis",
        "axis",
        "raster_policy",
        "size_policy",
        "max",
        "image_url",
    }
    for name in sorted(set(table()) - omni_ui.NOT_PLAYED):
        values = {
            key: some_value(ui, key)
            for key in table()[name]
            if key not in skipped and not key.endswith(("arrow_type",)) and key not in ("title", "text", "selection")
        }
        if name in ("Window", "ToolBar"):
            values |= {"width": 300, "height": 200.0}
        window = ui.Window("Keywords")
        with window.frame, ui.VStack():
            made = make(ui, name, **values)
            for key, value in values.items():
                if not key.endswith("_fn") and key != "style" and not (key == "direction" and name != "Stack"):
                    shown = getattr(made, key)
                    assert shown == value or getattr(shown, "value", None) == value, (name, key)
            with pytest.raises(TypeError, match=f"{name} takes no keyword 'no_such'.*Kit ignores it silently"):
                make(ui, name, no_such=1)
        window.destroy()
        if name in ("Window", "ToolBar"):
            made.destroy()


def test_every_callback_of_the_table_has_its_arity():
    callbacks = {key for keys in table().values() for key in keys if key.endswith("_fn")}
    assert callbacks <= set(CALLBACK_ARITY)


def test_keywords_that_examples_pass_and_kit_ignores(window):
    import omni.ui as ui

    with window.frame, ui.VStack():
        for make_dead in (
            lambda: ui.FloatField(min_value=0.0),
            lambda: ui.CheckBox(label="x"),
            lambda: ui.VStack(margin=5),
            lambda: ui.Button("x", alignment=ui.Alignment.CENTER),
            lambda: ui.CollapsableFrame("x", horizontal_scrollbar_policy=ui.ScrollBarPolicy.SCROLLBAR_ALWAYS_OFF),
            lambda: ui.Label("x", font_size=14),
        ):
            with pytest.raises(TypeError, match="Kit ignores it silently"):
                make_dead()
    with pytest.raises(TypeError, match="takes no keyword 'dock_preference'; nearest: 'dockPreference'"):
        ui.Window("x", dock_preference=1)
    with pytest.raises(AttributeError, match="Window has no attribute 'style'"):
        window.style = {}


@pytest.mark.parametrize(
    ("kind", "keywords", "says"),
    [
        ("Spacer", {"width": np.float32(3)}, "width must be int or float, got numpy.float32; convert it with int"),
        ("Spacer", {"width": "3"}, "width must be int or float, got builtins.str"),
        ("Button", {"enabled": 1}, "enabled must be bool"),
        ("Button", {"text": 3}, "text must be str"),
        ("Button", {"clicked_fn": "f"}, "clicked_fn must be a callable"),
        ("Button", {"clicked_fn": lambda model: None}, "clicked_fn is called with 0 argument"),
        ("Button", {"mouse_pressed_fn": lambda x, y: None}, "mouse_pressed_fn is called with 4 argument"),
        ("Image", {"fill_policy": 1}, "fill_policy must be a ui.FillPolicy"),
        ("CheckBox", {"model": 1}, "takes a value model, got int"),
    ],
)
def test_values_have_the_type_of_the_binding(window, kind, keywords, says):
    import omni.ui as ui

    with window.frame, ui.VStack(), pytest.raises(TypeError, match=says):
        getattr(ui, kind)(**keywords)


def test_the_two_fill_policies_are_not_exchanged(window):
    import omni.ui as ui

    with window.frame, ui.VStack():
        ui.ImageWithProvider(ui.ByteImageProvider(), fill_policy=ui.IwpFillPolicy.IWP_STRETCH)
        with pytest.raises(TypeError, match="must be a ui.IwpFillPolicy"):
            ui.ImageWithProvider(ui.ByteImageProvider(), fill_policy=ui.FillPolicy.STRETCH)


@pytest.mark.parametrize(
    ("style", "error", "says"),
    [
        ({"colour": 1}, ValueError, "'colour' is no property of omni.ui; nearest: 'color'"),
        ({"Buton": {"color": 1}}, ValueError, "names no widget type; nearest: 'Button'"),
        ({"Button:hoverd": {"color": 1}}, ValueError, "no known state"),
        ({"Label": {"color": "#ff0000"}}, TypeError, "color must be int"),
        ({"Label": {"font_size": np.int64(3)}}, TypeError, "font_size must be int"),
        ({"Label": {"color": -1}}, ValueError, "no 0xAABBGGRR"),
        ({"FloatSlider": {"draw_mode": 1}}, TypeError, "draw_mode must be a ui.SliderDrawMode"),
    ],
)
def test_styles_name_what_exists(window, style, error, says):
    with pytest.raises(error, match=says):
        window.frame.style = style


def test_good_styles_and_colours(window):
    import omni.ui as ui

    window.frame.style = {
        "Button::primary:hovered": {"background_color": ui.color("#22bb66"), "margin": 2},
        "Label": {"font_size": 14, "color": 0xFFFFFFFF},
        "Slider": {"draw_mode": ui.SliderDrawMode.HANDLE},
    }
    assert ui.color("#112233") == ui.color(0x11, 0x22, 0x33) == ui.color(17 / 255, 34 / 255, 51 / 255) == 0xFF332211
    assert ui.color("#11223344") == 0x44332211
    for wrong in (("red",), (1, 2), (300, 0, 0), ("#12345",)):
        with pytest.raises(ValueError, match="colour"):
            ui.color(*wrong)


def test_a_picture_that_is_not_there_is_a_fault(kit_51, window, tmp_path):
    import omni.ui as ui

    picture = tmp_path / "a.png"
    picture.write_bytes(b"")
    with window.frame, ui.VStack():
        image = ui.Image(str(picture), fill_policy=ui.FillPolicy.PRESERVE_ASPECT_FIT)
        ui.Button("x", image_url=f"{tmp_path}/none.png")
        image.source_url = f"{tmp_path}/gone.png"
    assert ["none.png" in kit_51.faults[0], "gone.png" in kit_51.faults[1]] == [True, True]
    kit_51.expect_fault("there is no picture")


def test_choices_and_numbers(window):
    import omni.ui as ui

    with window.frame, ui.VStack():
        combo = ui.ComboBox(1, "a", "b", "c", arrow_only=False)
        seen = []
        combo.model.add_item_changed_fn(lambda model, item: seen.append(model.get_item_value_model().as_int))
        combo.model.get_item_value_model().set_value(2)
        assert seen == [2]
        with pytest.raises(TypeError, match="index must be int"):
            ui.ComboBox("a", "b")
        with pytest.raises(ValueError, match="min 2 does not lie below max 1"):
            ui.FloatSlider(min=2, max=1)
        field = ui.MultiFloatDragField(1.0, 2.0, min=0, max=5)
        assert [field.model.get_item_value_model(i).as_float for i in field.model.get_item_children()] == [1.0, 2.0]
        collection = ui.RadioCollection()
        buttons = [ui.RadioButton(text=text, radio_collection=collection) for text in "ab"]
        buttons[1]._click()
        assert collection.model.as_int == 1


def test_byte_images_take_the_right_array(kit_51, window):
    import omni.ui as ui

    provider = ui.ByteImageProvider()
    pixels = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    provider.set_data_array(pixels, [3, 2])
    assert (provider.width, provider.height) == (3, 2) and np.array_equal(provider._pixels, pixels)
    provider.set_bytes_data(pixels.flatten().tolist(), [3, 2])
    provider.set_bytes_data_from_gpu(4096, [3, 2], format=ui.TextureFormat.RGBA8_UNORM)
    for error, wrong in (
        (ValueError, lambda: provider.set_data_array(pixels, [2, 3])),
        (ValueError, lambda: provider.set_data_array(pixels[:, ::-1], [3, 2])),
        (TypeError, lambda: provider.set_data_array(pixels.astype(np.float32), [3, 2])),
        (TypeError, lambda: provider.set_data_array(pixels, [np.int64(3), 2])),
        (TypeError, lambda: provider.set_bytes_data(list(pixels.flatten()), [3, 2])),
        (ValueError, lambda: provider.set_bytes_data([0] * 23, [3, 2])),
    ):
        with pytest.raises(error):
            wrong()
    provider.destroy()
    with pytest.raises(RuntimeError, match="destroyed"):
        provider.set_data_array(pixels, [3, 2])


def test_plots_take_python_floats(window):
    import omni.ui as ui

    with window.frame, ui.VStack():
        plot = ui.Plot(ui.Type.LINE, 0.0, 1.0, 0.5, 0.25, height=40)
        for wrong in (1, np.float32(1), True):
            with pytest.raises(TypeError, match="a value must be float"):
                plot.set_data(0.5, wrong)
        with pytest.raises(ValueError, match="is for ui.Type.LINE2D"):
            plot.set_xy_data([(0.0, 1.0)])
        plot.set_data_provider_fn(lambda index: index / 2, 3)
        assert plot._values_shown() == [0.0, 0.5, 1.0]
        points = ui.Plot(ui.Type.LINE2D, 0.0, 1.0)
        points.set_xy_data([(0.0, 1.0), (1.0, 2.0)])
