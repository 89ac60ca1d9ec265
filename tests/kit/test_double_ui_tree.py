"""The tree of omni.ui in the stand-in: where widgets stand, when frames build, when windows and widgets end."""

import asyncio

import pytest


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
    with pytest.raises(TypeError, match="width must be int or float, got .*Pixel"):
        window.width = ui.Pixel(300)
    window.width = 300
    assert type(window.width) is float
    with pytest.raises(AttributeError, match="no attribute 'call_visibility_changed_fn'"):
        window.call_visibility_changed_fn(True)
    window.dock_in(other, ui.DockPosition.SAME)
    window.undock()
    window.deferred_dock_in("Property", ui.DockPolicy.CURRENT_WINDOW_IS_ACTIVE)
    assert window.docked
    window.visible = False
    window.visible = False
    assert ui.Workspace.show_window("W") and window.visible and seen == [False, True]
    window.focus()
    assert window.focused and not other.focused
    for made in (window, other):
        made.destroy()


def test_widgets_and_models_belong_to_the_main_thread(kit_51, window):
    import omni.ui as ui

    with window.frame:
        label = ui.Label("x")
    model = ui.SimpleIntModel(0)

    async def from_a_thread(function):
        await asyncio.get_running_loop().run_in_executor(None, function)

    for wrong in (lambda: setattr(label, "text", "y"), lambda: model.set_value(1)):
        with pytest.raises(RuntimeError, match="Kit is not thread-safe"):
            kit_51.run(from_a_thread(wrong))


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
