"""omni.ui of the stand-in: what Kit would ignore or crash on raises; what it would draw is there."""

import gc

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
    skipped = {"fill_policy", "radio_collection", "drag_axis", "axis", "raster_policy", "size_policy", "max"}
    for name in sorted(set(table()) - omni_ui.NOT_PLAYED):
        values = {
            key: some_value(ui, key)
            for key in table()[name]
            if key not in skipped and not key.endswith(("arrow_type",)) and key not in ("title", "text", "selection")
        }
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


def test_widgets_stand_in_a_container(window):
    import omni.ui as ui

    with pytest.raises(RuntimeError, match="'loose' was made outside a container"):
        ui.Label("loose")
    with pytest.raises(TypeError, match="context manager"):
        with window:
            pass
    with window.frame:
        ui.Label("one")
        with pytest.raises(RuntimeError, match="holds one widget and has <ui.Label 'one'> already"):
            ui.Label("two")
    with window.frame:  # a second time replaces the content, as in Kit
        kept = ui.Label("three")
    assert window.frame._children == [kept]
    with window.frame, ui.VStack(), pytest.raises(RuntimeError, match="stands outside a ui.Menu"):
        ui.Separator()


def test_a_frame_builds_when_it_is_drawn(kit_51, window):
    import omni.ui as ui

    built = []

    def build():
        built.append(kit_51.ticks)
        ui.Label(f"{len(built)}")

    window.visible = False
    window.frame.set_build_fn(build)
    kit_51.tick(2)
    assert built == []  # nobody sees it
    window.visible = True
    kit_51.tick(2)
    first = window.frame._children[0]
    assert built == [3] and first.text == "1"
    window.frame.rebuild()
    window.frame.rebuild()
    kit_51.tick()
    assert built == [3, 5]
    with pytest.raises(RuntimeError, match="reading the text of a destroyed ui.Label '1'"):
        _ = first.text


def test_a_folded_frame_builds_when_it_opens(kit_51, window):
    import omni.ui as ui

    folds, headers = [], []

    def header(collapsed, title):
        headers.append((collapsed, title))
        ui.Label(title)

    with window.frame:
        frame = ui.CollapsableFrame(
            "Title",
            collapsed=True,
            build_fn=lambda: ui.Label("content"),
            build_header_fn=header,
            collapsed_changed_fn=folds.append,
        )
    kit_51.tick(2)
    assert [child.name for child in frame._children] == ["header"]
    frame.collapsed = False
    kit_51.tick()
    assert folds == [False] and headers == [(True, "Title"), (False, "Title")]
    assert frame._children[1].text == "content"


def test_a_frame_is_not_rebuilt_or_ended_from_inside(kit_51, window):
    import omni.ui as ui

    with window.frame, ui.VStack() as stack:
        button = ui.Button("x", clicked_fn=window.frame.rebuild)
    button.call_clicked_fn()
    kit_51.expect_fault("was told to rebuild from inside a callback of <ui.Button 'x'>")
    for act, says in ((window.destroy, "was destroyed from inside"), (stack.clear, "was cleared from inside")):
        button.set_clicked_fn(act)
        button.call_clicked_fn()
        kit_51.expect_fault(says)
    button.set_clicked_fn(lambda: kit_51.defer(window.frame.rebuild))
    button.call_clicked_fn()
    kit_51.tick()
    assert not kit_51.faults


def test_an_exception_in_a_callback_is_a_fault_and_not_the_callers(kit_51, window):
    import omni.ui as ui

    with window.frame:
        button = ui.Button("x", clicked_fn=lambda: 1 / 0)
    button.call_clicked_fn()
    assert "clicked_fn raised" in kit_51.faults[0] and "ZeroDivisionError" in kit_51.faults[0]
    kit_51.expect_fault("ZeroDivisionError")


def test_destroyed_windows_are_over(kit_51):
    import omni.ui as ui

    window = ui.Window("Once")
    with window.frame, ui.VStack():
        label = ui.Label("x")
    assert kit_51.leaks() == ["window 'Once' is still alive"]
    with pytest.raises(RuntimeError, match="'Once' is alive; ImGui would draw both into one"):
        ui.Window("Once")
    window.destroy()
    window.destroy()
    for use in (lambda: label.text, lambda: setattr(label, "visible", False), lambda: window.frame, window.focus):
        with pytest.raises(RuntimeError, match="destroyed"):
            use()
    assert ui.Workspace.get_window("Once") is None and not kit_51.leaks()


def test_windows_dock_show_and_tell(kit_51):
    import omni.ui as ui

    seen = []
    other = ui.Window("Property")
    window = ui.Window("W", dockPreference=ui.DockPreference.LEFT_BOTTOM, visibility_changed_fn=seen.append)
    with pytest.raises(TypeError, match="dockPreference must be a ui.DockPreference"):
        ui.Window("V", dockPreference=ui.DockPolicy.DO_NOTHING)
    with pytest.raises(TypeError, match="takes a ui.DockPolicy"):
        window.deferred_dock_in("Property", ui.DockPosition.RIGHT)
    assert window.dock_in_window("Nowhere", ui.DockPosition.RIGHT) is False and not window.docked
    window.deferred_dock_in("Property", ui.DockPolicy.CURRENT_WINDOW_IS_ACTIVE)
    assert window.docked
    window.visible = False
    window.visible = False
    assert ui.Workspace.show_window("W") and window.visible and seen == [False, True]
    window.focus()
    assert window.focused and not other.focused
    for made in (window, other):
        made.destroy()


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


def test_tree_views_show_their_model(kit_51, window):
    import omni.ui as ui

    class Row(ui.AbstractItem):
        def __init__(self, *texts):
            super().__init__()
            self.models = [ui.SimpleStringModel(text) for text in texts]

    class Rows(ui.AbstractItemModel):
        def __init__(self):
            super().__init__()
            self.rows = [Row("a", "1")]

        def get_item_children(self, item=None):
            return self.rows if item is None else []

        def get_item_value_model_count(self, item=None):
            return 2

        def get_item_value_model(self, item=None, column_id=0):
            return item.models[column_id] if item else None

    model, chosen = Rows(), []
    with window.frame:
        view = ui.TreeView(model, selection_changed_fn=chosen.append, root_visible=False, header_visible=False)
    kit_51.tick()

    def texts():
        return [cell._children[0].text for cell in view._children]

    assert texts() == ["a", "1"]
    model.rows.append(Row("b", "2"))
    kit_51.tick()
    assert texts() == ["a", "1"]  # nobody said that it changed
    model._item_changed(None)
    kit_51.tick()
    assert texts() == ["a", "1", "b", "2"]
    view.selection = [model.rows[1]]
    assert chosen == [[model.rows[1]]]
    with pytest.raises(TypeError, match="takes an AbstractItemModel, got list"):
        view.model = []


def test_menus_show_their_lines(kit_51, window):
    import omni.ui as ui

    done = []
    menu = ui.Menu("Context")
    with menu:
        item = ui.MenuItem("Do", triggered_fn=lambda: done.append(1))
        ui.Separator()
    menu.show()
    item._click()
    assert done == [1] and menu.shown
    assert kit_51.leaks()[-1] == "menu 'Context' is still alive"
    menu.destroy()


def test_a_subclass_in_python_may_have_its_own_attributes(window):
    import omni.ui as ui

    class Row(ui.HStack):
        def __init__(self, text):
            super().__init__(height=20)
            self.text = text
            with self:
                ui.Label(text)

    class Forgetful(ui.VStack):
        def __init__(self):
            self.visible = False

    with window.frame, ui.VStack():
        assert Row("x").text == "x"
        with pytest.raises(RuntimeError, match="did not call super"):
            Forgetful()
    gc.collect()
