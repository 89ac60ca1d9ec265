"""Small services of Kit: actions, notifications, the file picker, the desktop, the viewport."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Any

from ._kit import Kit
from ._modules import module
from ._strict import StrictObject, check_callable, check_plain, nearest

# Actions --------------------------------------------------------------------------------------------------------------


class Action(StrictObject):
    """A named thing to do."""

    _kit_double = True

    def __init__(self, extension_id: str, id: str, function: Any, texts: dict[str, str]) -> None:
        self._extension_id, self._id, self._function, self._texts = extension_id, id, function, texts

    extension_id = property(lambda self: self._extension_id)
    id = property(lambda self: self._id)
    display_name = property(lambda self: self._texts["display_name"])
    description = property(lambda self: self._texts["description"])
    tag = property(lambda self: self._texts["tag"])

    def execute(self, *args, **kwargs):
        """Does it."""
        return self._function(*args, **kwargs)


class ActionRegistry(StrictObject):
    """Actions by extension and id; the same id twice is an error."""

    _kit_double = True

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._actions: dict[tuple[str, str], Action] = {}

    def register_action(
        self, extension_id, action_id, python_object, display_name="", description="", icon_url="", tag=""
    ):
        """Adds an action."""
        texts = {"display_name": display_name, "description": description, "icon_url": icon_url, "tag": tag}
        for key, text in {"extension_id": extension_id, "action_id": action_id, **texts}.items():
            check_plain(f"register_action: {key}", text, str)
        if not callable(python_object):
            raise TypeError(f"register_action: python_object must be callable, got {type(python_object).__name__}")
        if (extension_id, action_id) in self._actions:
            raise RuntimeError(f"action {action_id!r} of {extension_id!r} is registered already")
        action = self._actions[extension_id, action_id] = Action(extension_id, action_id, python_object, texts)
        self._kit.resources.add("action", f"{extension_id}:{action_id}", action)
        return action

    def get_action(self, extension_id, action_id):
        """The action, or None."""
        return self._actions.get((extension_id, action_id))

    def get_all_actions_for_extension(self, extension_id):
        """Its actions."""
        return [action for (owner, _), action in self._actions.items() if owner == extension_id]

    def deregister_action(self, extension_id, action_id, invalidate=True):
        """Takes an action out; one that is not there is a fault."""
        action = self._actions.pop((extension_id, action_id), None)
        if action is None:
            self._kit.fault(f"action {action_id!r} of {extension_id!r} is not registered; deregistered twice?")
        else:
            self._kit.resources.discard(action)
        return action

    def deregister_all_actions_for_extension(self, extension_id, invalidate=True):
        """Takes an extension's actions out."""
        for owner, action_id in [key for key in self._actions if key[0] == extension_id]:
            self.deregister_action(owner, action_id)

    def execute_action(self, extension_id, action_id, *args, **kwargs):
        """Does it.

        Raises:
            KeyError: there is no such action; Kit returns None.
        """
        self._kit.journal.add("omni.kit.actions.execute", {"extension_id": extension_id, "action_id": action_id})
        if (extension_id, action_id) not in self._actions:
            raise KeyError(f"no action {action_id!r} of {extension_id!r}; there are {sorted(self._actions)}")
        return self._actions[extension_id, action_id].execute(*args, **kwargs)


def actions_of(kit: Kit) -> ActionRegistry:
    """The registry of an installation."""
    if "omni.kit.actions.core" not in kit.state:
        kit.state["omni.kit.actions.core"] = ActionRegistry(kit)
    return kit.state["omni.kit.actions.core"]


@module("omni.kit.actions.core")
def build_actions(kit: Kit) -> dict[str, Any]:
    """The registry."""
    registry = actions_of(kit)
    get = kit.function("omni.kit.actions.core.get_action_registry", "()", lambda: registry)
    return {"get_action_registry": get, "Action": Action}


# Notifications --------------------------------------------------------------------------------------------------------


class NotificationStatus(enum.Enum):
    """There is no ERROR."""

    INFO = 0
    WARNING = 1


class NotificationButtonInfo(StrictObject):
    """A button on a notification."""

    _kit_double = True
    text = on_complete = None

    def __init__(self, text, on_complete=None):
        self.text = check_plain("NotificationButtonInfo: text", text, str)
        check_callable("NotificationButtonInfo: on_complete", on_complete, 0)
        self.on_complete = on_complete


class Notification(StrictObject):
    """One that was posted."""

    _kit_double = True

    def __init__(self, text: str, status: NotificationStatus, buttons: list[NotificationButtonInfo]) -> None:
        self._text, self._status, self._buttons, self._dismissed = text, status, buttons, False

    text = property(lambda self: self._text)
    status = property(lambda self: self._status)
    dismissed = property(lambda self: self._dismissed)

    def dismiss(self):
        """Takes it away."""
        self._dismissed = True


def notifications(kit: Kit) -> list[Notification]:
    """What was posted, oldest first."""
    return kit.state.setdefault("omni.kit.notification_manager", [])


@module("omni.kit.notification_manager")
def build_notifications(kit: Kit) -> dict[str, Any]:
    """Posting."""
    posted = notifications(kit)

    def post_notification(text, hide_after_timeout=True, duration=3, status=NotificationStatus.INFO, button_infos=()):
        check_plain("post_notification: text", text, str)
        check_plain("post_notification: hide_after_timeout", hide_after_timeout, bool)
        check_plain("post_notification: duration", duration, (int, float))
        if not isinstance(status, NotificationStatus):
            raise TypeError(f"post_notification: status must be a NotificationStatus, got {status!r}")
        for info in button_infos:
            if not isinstance(info, NotificationButtonInfo):
                raise TypeError(f"post_notification: a button must be a NotificationButtonInfo, got {info!r}")
        posted.append(Notification(text, status, list(button_infos)))
        return posted[-1]

    return {
        "post_notification": kit.function("omni.kit.notification_manager.post_notification", None, post_notification),
        "NotificationStatus": NotificationStatus,
        "NotificationButtonInfo": NotificationButtonInfo,
    }


# The file picker ------------------------------------------------------------------------------------------------------

PICKER_KEYWORDS = frozenset(
    "allow_multi_selection apply_button_label cancel_button_label click_apply_handler click_cancel_handler "
    "current_directory current_filename enable_checkpoints enable_file_bar enable_filename_input enable_timestamp "
    "enable_tool_bar enable_versioning_pane enable_zoombar error_handler file_extension_options file_postfix_options "
    "grid_view_scale height item_filter_fn item_filter_options save_grid_view selection_changed_fn show_detail_view "
    "show_grid_view show_only_collections splitter_offset treeview_identifier width".split()
)


class FilePickerDialog(StrictObject):
    """A window to choose a file or a folder; it shows itself when it is made, as Kit's does."""

    _kit_double = True
    _kit: Kit

    def __init__(self, title, **kwargs):
        from . import current

        for key in kwargs:
            if key not in PICKER_KEYWORDS:
                raise TypeError(f"FilePickerDialog takes no keyword {key!r}{nearest(key, PICKER_KEYWORDS)}")
        for key, arity in {"click_apply_handler": 2, "click_cancel_handler": 2, "item_filter_fn": 1}.items():
            check_callable(f"FilePickerDialog: {key}", kwargs.get(key), arity)
        self._kit = current()
        self._title = check_plain("FilePickerDialog: title", title, str)
        self._options = kwargs
        self._directory = kwargs.get("current_directory") or ""
        self._filename = kwargs.get("current_filename") or ""
        self._visible, self._destroyed = True, False
        self._kit.resources.add("file picker", title, self)
        self._kit.journal.add("omni.kit.window.filepicker.FilePickerDialog", {"title": title, **kwargs})

    def _check(self) -> None:
        if self._destroyed:
            raise RuntimeError(f"the file picker {self._title!r} was destroyed")

    def show(self, path=None):
        """Opens it."""
        self._check()
        self._visible = True
        self._directory = path or self._directory

    def hide(self):
        """Closes it."""
        self._check()
        self._visible = False

    def destroy(self):
        """Ends it."""
        self._destroyed, self._visible = True, False
        self._kit.resources.discard(self)

    def set_current_directory(self, path):
        """Goes to a folder."""
        self._check()
        self._directory = check_plain("set_current_directory: path", path, str)

    def get_current_directory(self):
        """The folder."""
        return self._directory

    def set_filename(self, filename):
        """Writes into the file bar."""
        self._check()
        self._filename = check_plain("set_filename: filename", filename, str)

    def get_filename(self):
        """What the file bar has."""
        return self._filename

    def navigate_to(self, path):
        """Goes to a path."""
        self.set_current_directory(path)

    def set_item_filter_fn(self, item_filter_fn):
        """Sets which items show."""
        check_callable("FilePickerDialog: item_filter_fn", item_filter_fn, 1)
        self._options["item_filter_fn"] = item_filter_fn

    def set_click_apply_handler(self, click_apply_handler):
        """Sets what the button does."""
        check_callable("FilePickerDialog: click_apply_handler", click_apply_handler, 2)
        self._options["click_apply_handler"] = click_apply_handler


def open_picker(kit: Kit) -> FilePickerDialog:
    """The file picker that is open, for tests.

    Raises:
        LookupError: none is.
    """
    found = [item.thing for item in kit.resources.alive("file picker") if item.thing._visible]
    if not found:
        raise LookupError("no file picker is open")
    return found[-1]


def choose(kit: Kit, filename: str, dirname: str) -> None:
    """The user chooses a file in the picker that is open; Kit gives the folder with a slash at its end."""
    _finish(kit, "click_apply_handler", filename, dirname)


def cancel_picker(kit: Kit) -> None:
    """The user cancels the picker that is open."""
    picker = open_picker(kit)
    _finish(kit, "click_cancel_handler", picker._filename, picker._directory)
    if not picker._destroyed:
        picker.hide()  # Kit does after its handler


def _finish(kit: Kit, handler: str, filename: str, dirname: str) -> None:
    from .ui._state import state_of

    picker = open_picker(kit)
    if picker._options.get(handler) is not None:
        folder = dirname if dirname.endswith("/") else f"{dirname}/"
        state_of(kit).call(None, f"the file picker's {handler}", picker._options[handler], filename, folder)


@module("omni.kit.window.filepicker")
def build_picker(kit: Kit) -> dict[str, Any]:
    """The dialog."""
    return {"FilePickerDialog": FilePickerDialog}


@module("omni.kit.window.extensions.utils")
def build_extension_utils(kit: Kit) -> dict[str, Any]:
    """The desktop's own programs; the journal says what was opened."""

    def open_file_using_os_default(path):
        check_plain("open_file_using_os_default: path", path, str)
        if not Path(path).exists():
            kit.fault(f"open_file_using_os_default: {path} does not exist")

    name = "omni.kit.window.extensions.utils.open_file_using_os_default"
    return {"open_file_using_os_default": kit.function(name, None, open_file_using_os_default)}


# The viewport ---------------------------------------------------------------------------------------------------------


class Viewport(StrictObject):
    """The active viewport: which camera it looks through, and how wide."""

    _kit_double = True

    def __init__(self) -> None:
        self._camera = "/OmniverseKit_Persp"
        self._resolution = (1280, 720)

    def _set_camera(self, path: Any) -> None:
        self._camera = str(path)

    def _set_resolution(self, size: tuple[int, int]) -> None:
        width, height = size
        self._resolution = (check_plain("a width", width, int), check_plain("a height", height, int))

    camera_path = property(lambda self: self._camera, _set_camera)
    resolution = property(lambda self: self._resolution, _set_resolution)

    def get_active_camera(self):
        """The camera's path."""
        return self._camera

    def set_active_camera(self, camera_path):
        """Looks through another camera."""
        self._set_camera(camera_path)

    def get_render_product_path(self):
        """The viewport's render product."""
        return "/Render/OmniverseKit/HydraTextures/omni_kit_widget_viewport_ViewportTexture_0"


class ViewportWindow(StrictObject):
    """The viewport's window."""

    _kit_double = True

    def __init__(self, viewport: Viewport) -> None:
        self._viewport = viewport

    viewport_api = property(lambda self: self._viewport)
    title = property(lambda self: "Viewport")


@module("omni.kit.viewport.utility")
def build_viewport(kit: Kit) -> dict[str, Any]:
    """The active viewport; a headless app has none."""
    viewport = Viewport() if kit.gui else None
    window = ViewportWindow(viewport) if viewport is not None else None
    return kit.functions(
        "omni.kit.viewport.utility",
        {
            "get_active_viewport": ("(usd_context_name='')", lambda usd_context_name="": viewport),
            "get_active_viewport_window": (
                "(window_name=None, usd_context_name='')",
                lambda window_name=None, usd_context_name="": window,
            ),
            "get_active_viewport_camera_string": (
                "(usd_context_name='')",
                lambda usd_context_name="": "" if viewport is None else viewport.get_active_camera(),
            ),
            "get_active_viewport_camera_path": (
                "(usd_context_name='')",
                lambda usd_context_name="": None if viewport is None else viewport.get_active_camera(),
            ),
        },
    )
