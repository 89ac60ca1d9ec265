"""carb of the stand-in: settings, the log, tokens, events."""

import numpy as np
import pytest

import kit_double


def test_settings_are_a_tree(kit):
    import carb.settings

    settings = carb.settings.get_settings()
    assert settings.get("/omni/replicator/captureOnPlay") is True
    assert settings.get_as_bool("/app/omni.graph.scriptnode/opt_in") is False
    settings.set("rtx/post/dlss/execMode", 2)  # the slash in front is optional
    assert settings.get("/rtx/post/dlss/execMode") == settings.get_as_int("rtx/post/dlss/execMode") == 2
    assert settings.get("/rtx/post") == {"dlss": {"execMode": 2}}
    settings.set_default("/rtx/post/dlss/execMode", 5)
    settings.set_default_string("/exts/x/name", "a")
    assert settings.get("/rtx/post/dlss/execMode") == 2 and settings.get_as_string("/exts/x/name") == "a"
    settings.destroy_item("/rtx/post")
    assert settings.get("/rtx/post/dlss/execMode") is None and settings.get_as_string("/rtx/post") == ""


def test_settings_take_the_types_of_the_binding(kit_51):
    import carb.settings

    settings = carb.settings.get_settings()
    for wrong in (
        lambda: settings.set("/a", np.float32(1)),
        lambda: settings.set("/a", [np.int64(1)]),
        lambda: settings.set_bool("/a", 1),
        lambda: settings.set_int("/a", 1.0),
        lambda: settings.set_float("/a", np.float64(1)),
        lambda: settings.set(path="/a", value=1),
        lambda: settings.get(3),
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="empty key"):
        settings.set("/a//b", 1)
    with pytest.raises(AttributeError, match="no attribute 'set_boolean'; nearest: 'set_default_bool'|'set_bool'"):
        settings.set_boolean("/a", True)


def test_who_subscribes_to_a_setting_is_told_and_must_end_it(kit_51):
    import carb.settings

    settings, seen = carb.settings.get_settings(), []
    number = settings.subscribe_to_node_change_events("/a/b", lambda item, event: seen.append(event.name))
    settings.set("/a/b", 1)
    settings.set("/a/b", 1)
    settings.set("a/b", 2)
    settings.destroy_item("/a/b")
    assert seen == ["CREATED", "CHANGED", "DESTROYED"]
    assert kit_51.leaks() == ["the subscription to setting /a/b is still alive"]
    below = settings.subscribe_to_tree_change_events("/a", lambda tree, item, event: seen.append("below"))
    settings.set("/a/c/d", 3)
    assert seen[3:] == ["below"]
    settings.unsubscribe_to_change_events(below)
    settings.unsubscribe_to_change_events(number)
    with pytest.raises(ValueError, match="unsubscribed twice"):
        settings.unsubscribe_to_change_events(number)
    with pytest.raises(TypeError, match="takes what subscribe gave"):
        settings.unsubscribe_to_change_events(1)
    with pytest.raises(TypeError, match="called with 2 argument"):
        settings.subscribe_to_node_change_events("/a", lambda: None)


def test_the_log_takes_one_text(kit_51):
    import carb

    carb.log_warn("a")
    with pytest.raises(TypeError):
        carb.log_warn("%s", "a")
    with pytest.raises(TypeError, match="message of carb.log_info must be str"):
        carb.log_info(3)
    assert kit_51.state["carb.log"] == [("warn", "a")]


def test_settings_know_their_kind(kit_51):
    import carb.dictionary
    import carb.settings

    settings, kinds = carb.settings.get_settings(), carb.dictionary.ItemType
    assert settings.is_accessible_as(kinds.BOOL, "/omni/replicator/captureOnPlay")
    assert not settings.is_accessible_as(kinds.INT, "/rtx/rendermode")
    assert settings.is_accessible_as(kinds.DICTIONARY, "/rtx") and not settings.is_accessible_as(kinds.INT, "/none")
    with pytest.raises(TypeError, match="takes a carb.dictionary.ItemType"):
        settings.is_accessible_as(bool, "/rtx")


def test_tokens(kit_51):
    import carb.tokens

    tokens = carb.tokens.get_tokens_interface()
    assert tokens.resolve("${app_documents}/x").endswith("/Isaac-Sim/x")
    with pytest.raises(ValueError, match="token 'home'"):
        tokens.resolve("${home}")


def test_events_have_keyword_arguments_and_filters(kit):
    import carb.eventdispatcher

    dispatcher, seen = carb.eventdispatcher.get_eventdispatcher(), []
    guards = [
        dispatcher.observe_event(event_name="a", on_event=lambda e: seen.append("late"), order=1),
        dispatcher.observe_event(event_name="a", on_event=lambda e: seen.append(e["x"]), filter={"x": 1}),
    ]
    assert dispatcher.dispatch_event("a", payload={"x": 2}) == 1
    assert kit_double.dispatch(kit, "a", {"x": 1}) == 2 and seen == ["late", 1, "late"]
    with pytest.raises(TypeError, match="positional"):
        dispatcher.observe_event("a", lambda e: None)
    for guard in guards:
        guard.reset()
    assert dispatcher.dispatch_event("a") == 0
