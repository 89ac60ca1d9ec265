"""Models of the stand-in: who is told, when, and until when."""

import gc

import numpy as np
import pytest


def test_a_model_tells_of_changes_alone(kit_51):
    import omni.ui as ui

    model, seen = ui.SimpleFloatModel(1.0), []
    number = model.add_value_changed_fn(lambda m: seen.append(m.as_float))
    model.set_value(1.0)
    model.set_value(2.5)
    model.as_float = 3.0
    model.remove_value_changed_fn(number)
    model.set_value(4.0)
    assert seen == [2.5, 3.0]
    with pytest.raises(ValueError, match="removed twice"):
        model.remove_value_changed_fn(number)
    with pytest.raises(TypeError, match="called with 1 argument"):
        model.add_value_changed_fn(lambda: None)


def test_a_dropped_subscription_is_over(kit_51):
    import omni.ui as ui

    model, seen = ui.SimpleIntModel(0), []
    model.subscribe_value_changed_fn(lambda m: seen.append("dropped"))
    held = model.subscribe_value_changed_fn(lambda m: seen.append("held"))
    gc.collect()
    model.set_value(1)
    assert seen == ["held"]
    assert kit_51.leaks() == ["subscription 'SimpleIntModel: value_changed_fn' is still alive"]
    held.unsubscribe()
    model.set_value(2)
    assert seen == ["held"] and not kit_51.leaks()


def test_edits_begin_and_end(kit_51):
    import omni.ui as ui

    model, seen = ui.SimpleStringModel(""), []
    model.add_begin_edit_fn(lambda m: seen.append("begin"))
    model.add_end_edit_fn(lambda m: seen.append("end"))
    model.begin_edit()
    model.set_value("x")
    model.end_edit()
    assert seen == ["begin", "end"]


@pytest.mark.parametrize("name", ["SimpleFloatModel", "SimpleIntModel", "SimpleBoolModel", "SimpleStringModel"])
def test_models_take_python_scalars_alone(kit_51, name):
    import omni.ui as ui

    model = getattr(ui, name)()
    for value in (np.float32(1), np.int64(1), np.bool_(True), None, [1]):
        with pytest.raises(TypeError, match="value must be bool or int or float or str"):
            model.set_value(value)


def test_numbers_convert_and_keep_their_limits(kit_51):
    import omni.ui as ui

    model = ui.SimpleIntModel(3, min=0, max=10)
    model.set_value(11.7)
    assert (model.as_int, model.as_float, model.as_bool, model.as_string) == (10, 10.0, True, "10")
    with pytest.raises(ValueError, match="cannot take the text 'ten'"):
        model.set_value("ten")
    with pytest.raises(ValueError, match="min 2 lies above max 1"):
        ui.SimpleFloatModel(0.0, min=2, max=1)
    with pytest.raises(TypeError, match="takes no keyword 'maximum'"):
        ui.SimpleFloatModel(0.0, maximum=1)


def test_models_in_python_override_what_kit_asks(kit_51):
    import omni.ui as ui

    class Percent(ui.SimpleFloatModel):
        def get_value_as_string(self):
            return f"{100 * self.as_float:.0f} %"

    class Constant(ui.AbstractValueModel):
        def get_value_as_float(self):
            return 4.0

    class Forgetful(ui.AbstractValueModel):
        def __init__(self):
            pass

    assert Percent(0.25).as_string == "25 %"
    assert Constant().as_float == 4.0
    with pytest.raises(NotImplementedError, match="Constant must override get_value_as_string"):
        Constant().get_value_as_string()
    with pytest.raises(TypeError, match="must call super"):
        Forgetful().add_value_changed_fn(lambda model: None)
