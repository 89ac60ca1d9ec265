"""Finding and clicking in the stand-in, and a window as text."""

import pytest

import kit_double


@pytest.fixture
def panel(kit):
    """A window with one of each."""
    import omni.ui as ui

    window = ui.Window("Panel")
    with window.frame, ui.VStack(spacing=4):
        ui.Label("Title", identifier="title")
        with ui.HStack():
            ui.Button("a/b", identifier="ab", tooltip="does ab")
            ui.Button("Off", identifier="off", tooltip="does nothing", enabled=False)
        ui.CheckBox(identifier="check", tooltip="on or off")
        ui.ComboBox(0, "x", "y", identifier="combo", tooltip="which")
        ui.StringField(identifier="name", tooltip="its name")
        ui.FloatSlider(identifier="rate", tooltip="how fast", min=0.0, max=2.0)
        ui.IntField(identifier="count", tooltip="how many")
        with ui.CollapsableFrame("More", identifier="more", tooltip="the rest", collapsed=True):
            ui.Button("Deep", identifier="deep", tooltip="deep down")
        ui.ProgressBar(identifier="progress")
        ui.Plot(ui.Type.LINE, 0.0, 1.0, 0.5)
    yield window
    window.destroy()


def by_id(identifier, kind="*"):
    """The widget with an identifier."""
    import omni.kit.ui_test as ui_test

    return ui_test.find(f"Panel//Frame/**/{kind}[*].identifier=='{identifier}'")


def test_paths_find_widgets(kit, panel):
    import omni.kit.ui_test as ui_test

    assert by_id("ab").widget.text == "a/b"
    assert ui_test.find("Panel//Frame/**/Button[*].text=='a/b'").widget is by_id("ab").widget
    assert ui_test.find("Panel//Frame/VStack[0]/HStack[0]/Button[1]").widget.text == "Off"
    assert len(ui_test.find_all("Panel//Frame/**/Button[*]")) == 3
    assert ui_test.find("Panel").find("Frame/VStack[0]").find("Label[0]").widget.text == "Title"
    assert ui_test.find("Panel//Frame/**/Button[*].identifier=='none'") is None and ui_test.find("None") is None
    with pytest.raises(RuntimeError, match="3 widgets stand at"):
        ui_test.find("Panel//Frame/**/Button[*]")
    with pytest.raises(ValueError, match="is no widget path"):
        ui_test.find("Panel//Frame/**/Button[x]")
    with pytest.raises(ValueError, match="must begin with Frame"):
        ui_test.find("Panel//VStack[0]")


def test_a_user_clicks_and_types(kit, panel):
    clicks = []
    by_id("ab").widget.set_clicked_fn(lambda: clicks.append("ab"))
    by_id("off").widget.set_clicked_fn(lambda: clicks.append("off"))

    async def use():
        await by_id("ab").click()
        await by_id("off").click()  # disabled: nothing
        await by_id("check").click()
        await by_id("name").input("robot")
        await by_id("rate").input("5")  # a slider keeps within its limits
        await by_id("count").input("many")  # no number: ignored
        await by_id("count").input("7")
        by_id("combo").model.get_item_value_model().set_value(1)

    kit.run(use())
    assert clicks == ["ab"] and by_id("check").model.as_bool and by_id("name").model.as_string == "robot"
    assert by_id("rate").model.as_float == 2.0 and by_id("count").model.as_int == 7
    with pytest.raises(RuntimeError, match="no field to type into"):
        kit.run(by_id("ab").input("x"))


def test_what_is_not_shown_cannot_be_clicked(kit, panel):
    with pytest.raises(RuntimeError, match="'deep'> is not shown"):
        kit.run(by_id("deep").click())
    kit.run(by_id("more").click())
    kit.run(by_id("deep").click())
    panel.visible = False
    with pytest.raises(RuntimeError, match="'ab'> is not shown"):
        kit.run(by_id("ab").click())


def test_menus_are_clicked(kit):
    import omni.kit.menu.utils as menus
    import omni.kit.ui_test as ui_test

    seen = []
    lines = [menus.MenuItemDescription(name="Go", onclick_fn=lambda: seen.append(1))]
    menus.add_menu_items(lines, "Tools")
    kit.run(ui_test.menu_click("Tools/Go"))
    menus.remove_menu_items(lines, "Tools")
    assert seen == [1]


def test_a_window_as_text(panel):
    assert kit_double.tree_text("Panel") == (
        "Window 'Panel'\n"
        "  VStack\n"
        "    Label 'Title' #title\n"
        "    HStack\n"
        "      Button 'a/b' #ab\n"
        "      Button 'Off' #off not enabled\n"
        "    CheckBox #check = False\n"
        "    ComboBox #combo = 'x' of ['x', 'y']\n"
        "    StringField #name = ''\n"
        "    FloatSlider #rate = '0.0' min=0.0 max=2.0\n"
        "    IntField #count = '0'\n"
        "    CollapsableFrame 'More' #more collapsed\n"
        "      Button 'Deep' #deep\n"
        "    ProgressBar #progress = '0.0'\n"
        "    Plot LINE of 1 values\n"
    )
    assert "Button 'a/b' #ab ? does ab" in kit_double.tree_text(panel, tooltips=True)


def test_what_a_panel_owes_its_users(panel):
    import omni.ui as ui

    assert kit_double.panel_problems(panel) == []
    with panel.frame, ui.VStack():
        ui.Button("Bare")
        ui.Button("One", identifier="same", tooltip="x")
        ui.IntField(identifier="same", tooltip="x")
    assert kit_double.panel_problems("Panel") == [
        "<ui.Button 'Bare'> has no identifier",
        "<ui.Button 'Bare'> has no tooltip",
        "identifier 'same' is given twice",
    ]
    with pytest.raises(LookupError, match="no window 'Pannel'; nearest: 'Panel'"):
        kit_double.tree_text("Pannel")
