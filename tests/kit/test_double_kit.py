"""The app, actions, notifications, pickers, menus and the viewport of the stand-in."""

import asyncio

import pytest

import kit_double


def test_versions_and_extensions(kit):
    import omni.kit.app

    app = omni.kit.app.get_app()
    assert app.get_kit_version().startswith("110." if kit.version == "6.0" else "107.3.3+")
    manager = app.get_extension_manager()
    assert manager.is_extension_enabled("omni.replicator.core")
    six = "isaacsim.replicator.experimental.domain_randomization"
    assert manager.set_extension_enabled_immediate(six, True) is (kit.version == "6.0")
    assert manager.is_extension_enabled(six) is (kit.version == "6.0")
    assert manager.get_enabled_extension_id("no.such") is None
    with pytest.raises(KeyError, match="no extension 'no.such-1.0.0' was loaded"):
        manager.get_extension_path("no.such-1.0.0")


def test_a_script_updates_the_app_itself(kit):
    import omni.kit.app

    app = omni.kit.app.get_app()
    app.print_and_log("line")
    before = app.get_update_number()
    app.update()
    assert app.get_update_number() == before + 1 and kit.state["carb.log"] == [("info", "line")]
    assert app.get_time_since_start_ms() == pytest.approx(app.get_update_number() * 1000 / 60)

    async def wrong():
        app.update()

    with pytest.raises(RuntimeError, match="await next_update_async"):
        kit.run(wrong())


def test_an_app_may_lack_an_extension(kit):
    kit_double.take_extension_away(kit, "omni.kit.viewport.utility")
    with pytest.raises(ModuleNotFoundError, match="this app lacks the extension omni.kit.viewport.utility"):
        import omni.kit.viewport.utility  # noqa: F401
    import omni.kit.app

    manager = omni.kit.app.get_app().get_extension_manager()
    assert not manager.is_extension_enabled("omni.kit.viewport.utility")
    assert not manager.set_extension_enabled_immediate("omni.kit.viewport.utility", True)


def test_updates_wake_and_tell(kit):
    import carb.eventdispatcher
    import omni.kit.app
    import omni.kit.async_engine

    seen = []
    guard = carb.eventdispatcher.get_eventdispatcher().observe_event(
        observer_name="test", event_name=omni.kit.app.GLOBAL_EVENT_UPDATE, on_event=lambda e: seen.append(e.get("dt"))
    )
    app = omni.kit.app.get_app()
    old = app.get_update_event_stream().create_subscription_to_pop(lambda e: seen.append(e.type))

    async def work():
        await app.next_update_async()
        await app.post_update_async()
        return "worked"

    task = omni.kit.async_engine.run_coroutine(work())
    kit.tick(3)
    assert task.result() == "worked" and seen[:2] == [1 / 60, 0]
    guard.reset()
    old.reset()
    seen.clear()
    kit.tick()
    assert seen == []


def test_callbacks_may_start_tasks(kit_51):
    import omni.ui as ui

    done = []

    async def work():
        await kit_51.next_update()
        done.append(1)

    window = ui.Window("W")
    with window.frame:
        button = ui.Button("x", clicked_fn=lambda: asyncio.ensure_future(work()) and None)
    button.call_clicked_fn()
    kit_51.tick(3)
    assert done == [1]
    window.destroy()


def test_actions_have_one_owner(kit_51):
    import omni.kit.actions.core

    registry = omni.kit.actions.core.get_action_registry()
    registry.register_action("my.ext", "go", lambda x=1: x + 1, display_name="Go")
    assert registry.execute_action("my.ext", "go", 3) == 4
    with pytest.raises(RuntimeError, match="registered already"):
        registry.register_action("my.ext", "go", print)
    with pytest.raises(KeyError, match="no action 'stop'"):
        registry.execute_action("my.ext", "stop")
    assert kit_51.leaks() == ["action 'my.ext:go' is still alive"]
    registry.deregister_all_actions_for_extension("my.ext")
    registry.deregister_action("my.ext", "go")
    kit_51.expect_fault("deregistered twice")


def test_notifications_have_two_grades(kit_51):
    import omni.kit.notification_manager as nm

    nm.post_notification("done", status=nm.NotificationStatus.WARNING, duration=2, hide_after_timeout=False)
    assert [n.text for n in kit_double.notifications(kit_51)] == ["done"]
    with pytest.raises(AttributeError, match="ERROR"):
        _ = nm.NotificationStatus.ERROR
    with pytest.raises(TypeError, match="takes no keyword 'level'"):
        nm.post_notification("x", level=1)
    with pytest.raises(TypeError, match="must be a NotificationStatus"):
        nm.post_notification("x", status=1)
    with pytest.raises(TypeError, match="called with 0 argument"):
        nm.NotificationButtonInfo("ok", on_complete=lambda x: None)


def test_the_file_picker_gives_name_and_folder(kit_51):
    from omni.kit.window.filepicker import FilePickerDialog

    chosen = []
    picker = FilePickerDialog(
        "Open", apply_button_label="Open", click_apply_handler=lambda name, folder: chosen.append((name, folder))
    )
    picker.show("/data")
    assert picker.get_current_directory() == "/data"
    kit_double.choose(kit_51, "a.yaml", "/data")
    kit_double.cancel_picker(kit_51)
    assert chosen == [("a.yaml", "/data/")]
    with pytest.raises(LookupError, match="no file picker is open"):
        kit_double.open_picker(kit_51)
    with pytest.raises(TypeError, match="takes no keyword 'apply_handler'; nearest:"):
        FilePickerDialog("x", apply_handler=print)
    with pytest.raises(TypeError, match="called with 2 argument"):
        FilePickerDialog("x", click_apply_handler=lambda path: None)
    picker.destroy()
    with pytest.raises(RuntimeError, match="was destroyed"):
        picker.show()


def test_opening_a_file_that_is_not_there_is_a_fault(kit_51, tmp_path):
    from omni.kit.window.extensions.utils import open_file_using_os_default

    open_file_using_os_default(str(tmp_path))
    assert kit_51.journal.calls("*open_file_using_os_default")[0].arguments == {"path": str(tmp_path)}
    open_file_using_os_default(str(tmp_path / "none"))
    kit_51.expect_fault("does not exist")


def test_the_viewport(kit):
    import omni.kit.viewport.utility as viewport

    active = viewport.get_active_viewport()
    active.camera_path = "/World/Camera"
    assert viewport.get_active_viewport_camera_string() == "/World/Camera"
    assert viewport.get_active_viewport_window().viewport_api is active
    with pytest.raises(AttributeError, match="no attribute 'camera'"):
        active.camera = "/x"


def test_a_headless_app_has_no_viewport():
    with kit_double.installed("6.0", gui=False):
        import omni.kit.viewport.utility as viewport

        assert viewport.get_active_viewport() is None


def test_menu_lines(kit):
    import omni.kit.menu.utils as menus

    seen = []
    lines = [
        menus.MenuItemDescription(name="Go", onclick_fn=lambda: seen.append("go")),
        menus.MenuItemDescription(name="Off", onclick_fn=print, enabled=False),
        menus.MenuItemDescription(name="More", sub_menu=[menus.MenuItemDescription(name="In", onclick_fn=print)]),
    ]
    menus.add_menu_items(lines, "Tools")
    kit_double.click_menu(kit, "Tools/Go")
    assert seen == ["go"]
    with pytest.raises(RuntimeError, match="is disabled"):
        kit_double.click_menu(kit, "Tools/Off")
    with pytest.raises(LookupError, match="no menu line 'Tools/Goo'; nearest: 'Tools/Go'"):
        kit_double.click_menu(kit, "Tools/Goo")
    with pytest.raises(RuntimeError, match="neither onclick_action nor onclick_fn"):
        kit_double.click_menu(kit, "Tools/More")
    with pytest.raises(TypeError, match="takes no keyword 'onclick'; nearest:"):
        menus.MenuItemDescription(name="x", onclick=print)
    with pytest.raises(TypeError, match="takes MenuItemDescriptions"):
        menus.add_menu_items(["x"], "Tools")
    assert len(kit.leaks()) == 3
    menus.remove_menu_items(lines, "Tools")
    menus.remove_menu_items(lines[:1], "Tools")
    kit.expect_fault("removed twice")
    nested = menus.build_submenu_dict([menus.MenuItemDescription(name="Tools/A/B", onclick_fn=print)])
    assert [item.name for item in nested["Tools"]] == ["A"] and nested["Tools"][0].sub_menu[0].name == "B"


def test_the_helper_makes_shows_and_ends_its_window(kit):
    import omni.ui as ui
    from omni.kit.menu.utils import MenuHelperExtensionFull, MenuHelperWindow

    made = []

    class Owner(MenuHelperExtensionFull):
        def create(self):
            made.append(MenuHelperWindow("My window", width=300, height=200))
            return made[-1]

    owner, other = Owner(), Owner()
    assert owner.menu_startup(owner.create, "My window", "My line", "Tools/X") == 0
    assert other.menu_startup(other.create, "My window", "Other line", "Tools/X") is None
    kit.expect_fault("registered already; this one gets no menu")
    assert made == [] and not kit_double.is_ticked(kit, "Tools/X/My line")
    kit_double.click_menu(kit, "Tools/X/My line")
    assert kit_double.is_ticked(kit, "Tools/X/My line") and ui.Workspace.get_window("My window") is made[0]
    assert owner._window.title == "My window"
    kit_double.click_menu(kit, "Tools/X/My line")
    assert not made[0].visible and ui.Workspace.get_window("My window") is made[0]
    kit.tick()
    assert ui.Workspace.get_window("My window") is None
    assert ui.Workspace.show_window("My window") and len(made) == 2
    ui.Workspace.show_window("My window")  # Kit makes a second one
    kit.expect_fault("'My window' is alive; ImGui would draw both into one")
    assert owner.menu_shutdown() and not owner.menu_shutdown()
    assert kit.leaks() == []


def test_the_helper_keeps_names_of_its_own(kit_51):
    import omni.ui as ui
    from omni.kit.menu.utils import MenuHelperExtensionFull

    class Panel:
        def __init__(self):
            self.window = ui.Window("Held")

    owner = MenuHelperExtensionFull()
    owner._window = "mine"
    with pytest.raises(RuntimeError, match="sets '_window', which MenuHelperExtensionFull keeps"):
        owner.menu_startup(Panel, "Held", "Held", "Tools")
    owner._window = None
    owner.menu_startup(Panel, "Held", "Held", "Tools", window_attr_name="window")
    ui.Workspace.show_window("Held")
    assert owner._window.title == "Held"
    owner._menu_group = "mine"
    with pytest.raises(RuntimeError, match="sets '_menu_group'"):
        owner.menu_shutdown()
    owner._menu_group = None
    owner.menu_shutdown()


def test_the_timeline_changes_at_a_commit_or_an_update(kit):
    import omni.timeline

    timeline, seen = omni.timeline.get_timeline_interface(), []
    stream = timeline.get_timeline_event_stream()
    guard = stream.create_subscription_to_pop(lambda e: seen.append(omni.timeline.TimelineEventType(e.type).name))
    timeline.play()
    assert not timeline.is_playing()
    timeline.commit()
    assert timeline.is_playing()
    timeline.pause()
    kit.tick()
    assert not timeline.is_playing() and not timeline.is_stopped()
    timeline.stop()
    kit.tick()
    assert timeline.is_stopped() and timeline.get_current_time() == 0.0
    assert seen == ["PLAY", "PAUSE", "STOP"]
    timeline.play()
    timeline.commit_silently()
    assert timeline.is_playing() and len(seen) == 3
    assert hasattr(omni.timeline, "GLOBAL_EVENT_STOP") is (kit.version == "6.0")
    guard.reset()


def test_events_2_0_of_the_timeline(kit):
    import carb.eventdispatcher
    import omni.timeline

    if kit.version == "5.1":
        with pytest.raises(AttributeError, match="omni.timeline of Isaac Sim 5.1 has no 'GLOBAL_EVENT_PLAY'"):
            _ = omni.timeline.GLOBAL_EVENT_PLAY
        return
    seen = []
    guard = carb.eventdispatcher.get_eventdispatcher().observe_event(
        observer_name="t", event_name=omni.timeline.GLOBAL_EVENT_PLAY, on_event=lambda e: seen.append(e.event_name)
    )
    omni.timeline.get_timeline_interface().play()
    kit.tick()
    assert seen == [omni.timeline.GLOBAL_EVENT_PLAY]
    guard.reset()


def test_the_context_holds_a_real_stage(kit, tmp_path):
    import omni.usd
    from pxr import UsdGeom, UsdUtils

    context = omni.usd.get_context()
    stage = context.get_stage()
    assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    cached = UsdUtils.StageCache.Get()
    assert cached.Find(cached.Id.FromLongInt(context.get_stage_id())) == stage
    UsdGeom.Cube.Define(stage, "/World/Cube")
    stage.Export(str(tmp_path / "a.usda"))
    context.get_selection().set_selected_prim_paths(["/World/Cube", "/World/None"], True)
    assert context.get_selection().get_selected_prim_paths() == ["/World/Cube"]
    assert kit.run(context.new_stage_async())[0] and not context.get_stage().GetPrimAtPath("/World/Cube")
    assert context.get_selection().get_selected_prim_paths() == []
    assert kit.run(context.open_stage_async(str(tmp_path / "a.usda")))[0]
    assert not context.is_new_stage() and context.can_open_stage()
    assert context.get_stage().GetPrimAtPath("/World/Cube") and context.get_stage_loading_status()[2] == 0
    assert kit.run(context.open_stage_async(str(tmp_path / "none.usda")))[0] is False
    with pytest.raises(ValueError, match="the unnamed USD context alone"):
        omni.usd.get_context("other")


def test_the_stage_tells_of_its_events(kit):
    import carb.eventdispatcher
    import omni.usd

    context, seen = omni.usd.get_context(), []
    guard = carb.eventdispatcher.get_eventdispatcher().observe_event(
        observer_name="t",
        event_name=context.stage_event_name(omni.usd.StageEventType.OPENED),
        on_event=lambda event: seen.append("new"),
    )
    stream = context.get_stage_event_stream()
    old = stream.create_subscription_to_pop_by_type(int(omni.usd.StageEventType.OPENED), lambda e: seen.append("old"))
    context.new_stage()
    assert seen == ["new", "old"]
    assert omni.usd.StageEventType.OPENED != 3 and int(omni.usd.StageEventType.OPENED) == 3
    with pytest.raises(TypeError):
        context.get_selection().set_selected_prim_paths([])  # the binding has no default
    with pytest.raises(TypeError, match="takes an omni.usd.StageEventType"):
        context.stage_event_name(3)
    guard.reset()
    old.reset()
