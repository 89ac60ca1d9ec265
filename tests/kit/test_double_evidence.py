"""The stand-in against how Isaac Sim's own code calls Kit (data/kit_calls.json): what that does, it accepts.

What that code passes and omni.ui has never taken is refused; what the stand-in does not play is written down here.
"""

import json
from pathlib import Path

import pytest

import kit_double
from kit_double.ui import omni_ui
from kit_double.ui._widget import table

CALLS = json.loads((Path(kit_double.__file__).parent / "data" / "kit_calls.json").read_text())["versions"]
# Names that Isaac Sim's code calls and the stand-in does not have: they raise here.
NOT_PLAYED = {
    "app": "delay_app_ready get_build_version get_log_event_stream get_platform_info get_shutdown_event_stream "
    "post_quit post_to_main_thread post_uncancellable_quit shutdown shutdown_and_release_framework startup",
    "extension_manager": "get_extension_dict get_extensions set_extension_enabled subscribe_to_extension_enable",
    "selection": "set_prim_path_selected",
    "settings": "get_settings_dictionary",
    "timeline": "forward_one_frame is_auto_updating set_auto_update set_play_every_frame set_target_framerate "
    "set_ticks_per_frame",
    "usd_context": "attach_stage_async attach_stage_with_callback can_close_stage close_stage_with_callback "
    "disable_save_to_recent_files enable_save_to_recent_files get get_rendering_event_stream get_stage_state "
    "has_pending_edit is_writable next_stage_event_async register_selection_group save_as_stage save_as_stage_async "
    "save_stage set_pickable set_selection_group set_selection_group_outline_color set_selection_group_shade_color",
    "ui": "Inspector.get_children Widget.FLAG_WANT_CAPTURE_KEYBOARD Workspace.get_dock_id_height "
    "Workspace.set_dock_id_height",
}


def missing(version: str, kind: str, names: set[str]) -> None:
    """Every name that is missing is written down above, and no other is."""
    written = set(NOT_PLAYED.get(kind, "").split())
    assert names <= written, (version, kind, sorted(names - written))


def objects():
    """The interfaces that the code calls, by the name they have in the table."""
    import carb.eventdispatcher
    import carb.settings
    import carb.tokens
    import omni.kit.actions.core
    import omni.kit.app
    import omni.timeline
    import omni.usd

    app, context = omni.kit.app.get_app(), omni.usd.get_context()
    return {
        "actions": omni.kit.actions.core.get_action_registry(),
        "app": app,
        "eventdispatcher": carb.eventdispatcher.get_eventdispatcher(),
        "extension_manager": app.get_extension_manager(),
        "selection": context.get_selection(),
        "settings": carb.settings.get_settings(),
        "timeline": omni.timeline.get_timeline_interface(),
        "tokens": carb.tokens.get_tokens_interface(),
        "usd_context": context,
    }


def test_every_form_of_a_widget_is_accepted(kit):
    import omni.ui as ui

    rows = CALLS[kit.version]["ui"]
    assert sum(row["calls"] for row in rows.values()) > 2000
    for name, row in rows.items():
        if name in omni_ui.NOT_PLAYED:
            continue
        signature = getattr(ui, name)._positional
        for count in row["positional"]:
            signature.bind_partial(*[None] * count)
        assert set(row["keywords"]) <= table()[name] | set(signature.parameters), name


def test_keywords_that_omni_ui_never_took_are_refused(kit):
    import omni.ui as ui

    rows = CALLS[kit.version]["ui"]
    ignored = [(name, keyword) for name, row in rows.items() for keyword in row["ignored"]]
    assert len(ignored) > 20
    window = ui.Window("Ignored")
    with window.frame, ui.VStack():
        for name, keyword in ignored:
            with pytest.raises(TypeError, match="Kit ignores it silently|is no argument"):
                getattr(ui, name)(**{keyword: 1})
    window.destroy()


def test_every_method_is_there_or_written_down(kit):
    found = objects()
    for kind, methods in CALLS[kit.version]["objects"].items():
        missing(kit.version, kind, {name for name in methods if not hasattr(found[kind], name)})


def test_every_member_is_there_or_written_down(kit):
    import omni.ui as ui

    members = [name.split(".") for name in CALLS[kit.version]["ui_members"]]
    absent = {f"{owner}.{name}" for owner, name in members if not hasattr(getattr(ui, owner, None), name)}
    missing(kit.version, "ui", absent)


def test_nothing_is_written_down_that_is_there(kit):
    found = objects()
    for kind, names in NOT_PLAYED.items():
        if kind != "ui":
            assert not [name for name in names.split() if hasattr(found[kind], name)], kind


def test_keywords_of_functions_are_accepted(kit):
    from kit_double.kit_menu import DESCRIPTION
    from kit_double.kit_services import PICKER_KEYWORDS

    functions = CALLS[kit.version]["functions"]
    assert set(functions["FilePickerDialog"]) <= PICKER_KEYWORDS
    assert set(functions["MenuItemDescription"]) <= set(kit_double.signature_of(DESCRIPTION).parameters)
    import omni.kit.notification_manager as nm

    assert set(functions["post_notification"]) <= set(
        kit_double.signature_of(nm.post_notification.__signature__).parameters
    )
