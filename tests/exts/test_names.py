"""Every name of Kit that the extension and the scripts use, and every keyword, is in the tables of the stand-in.

The tables are per version, and so is the check: a line is for both versions unless it says otherwise (`# kit: 6.0`).
What no test calls is looked at too, which is the point: real omni.ui drops an unknown keyword without a word.
"""

import ast
import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path

import pytest

import kit_double
from exts.kit_names import Use, literals, uses_of

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for folder in (ROOT / "exts", ROOT / "standalone")
    for path in sorted(folder.rglob("*.py"))
    if "__pycache__" not in path.parts
]


@dataclass(frozen=True)
class Instance:
    """An object of a class that was constructed, without constructing it."""

    cls: type


class Unknown(Exception):
    """A name that the tables lack."""


UNFOLLOWED = object()
"""What a call returned that the tables say nothing of."""


def step(at, name: str):
    """Return what stands under a name of a module, a class or an object."""
    if isinstance(at, Instance):
        if not hasattr(at.cls, name):
            raise Unknown(f"an object of {at.cls.__name__} has no '{name}'")
        found = inspect.getattr_static(at.cls, name)
        return UNFOLLOWED if isinstance(found, property) else getattr(at.cls, name)
    try:
        return getattr(at, name)
    except AttributeError as error:
        try:
            return importlib.import_module(f"{at.__name__}.{name}")
        except (ImportError, AttributeError):
            raise Unknown(str(error)) from None


def result(at):
    """Return what a call gives, where that is known: an object of a class, or what a plain getter returns."""
    if inspect.isclass(at):
        return Instance(at)
    if getattr(at, "__name__", "").startswith("get_") and callable(at):
        try:
            return at()
        except TypeError:
            return UNFOLLOWED  # it takes arguments
    return UNFOLLOWED


def follow(name: str):
    """Return what a dotted name means; the alternatives of `a.B|c.D().e` are tried in turn."""
    head, _, tail = name.partition("().")
    if "|" in head:
        faults = []
        for base in head.split("|"):
            try:
                return follow(f"{base}().{tail}" if tail else base)
            except Unknown as error:
                faults.append(str(error))
        raise Unknown(" and ".join(faults))
    parts = name.split(".")
    try:
        at = importlib.import_module(parts[0])
        for part in parts[1:]:
            if at is UNFOLLOWED:
                return at
            at = step(at, part.removesuffix("()"))
            if part.endswith("()") and at is not UNFOLLOWED:
                at = result(at)
    except ImportError as error:
        raise Unknown(str(error)) from None
    return at


def fault_of(use: Use) -> str | None:
    """Return what is wrong with a use on the version that is installed; None where nothing is."""
    try:
        at = follow(use.name)
    except Unknown as error:
        return str(error)
    if not use.called or at is UNFOLLOWED or isinstance(at, Instance):
        return None
    if inspect.isclass(at) and hasattr(at, "_table"):  # a class of omni.ui: its keywords are a table
        from kit_double.ui._widget import table

        takes = {p.name for p in at._positional.parameters.values()}
        unknown = set(use.keywords) - table()[at._table] - takes
        return f"takes no keyword {sorted(unknown)}" if unknown else None
    try:
        signature = inspect.signature(at)
    except (TypeError, ValueError):
        return None
    values = list(signature.parameters.values())
    if values and values[0].name == "self":
        signature = signature.replace(parameters=values[1:])
    try:
        if use.positional is None:
            signature.bind_partial(**dict.fromkeys(use.keywords))
        else:
            signature.bind(*[None] * use.positional, **dict.fromkeys(use.keywords))
    except TypeError as error:
        return f"{error}; it takes {signature}"
    return None


def faults(text: str, version: str) -> list[str]:
    """Return what is wrong with a source text on the version that is installed, one line each."""
    return [
        f"{use}: {fault}" for use in uses_of(text) if version in use.versions and (fault := fault_of(use)) is not None
    ]


@pytest.fixture(scope="module", params=["5.1", "6.0"])
def kit(request):
    """The stand-in, for the whole file: nothing here changes it."""
    with kit_double.installed(request.param, leaks=False) as kit:
        yield kit


def test_files_are_found():
    """The check looks at the extension and at the scripts for Isaac's own Python."""
    names = {path.relative_to(ROOT).as_posix() for path in FILES}
    assert "exts/sim2real.studio/sim2real_studio/window.py" in names
    assert sum(len(uses_of(path.read_text())) for path in FILES) > 300


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(ROOT).as_posix() for path in FILES])
def test_every_name_and_keyword_is_in_the_tables(kit, path):
    """No name, keyword or number of arguments that this version's tables do not have."""
    found = faults(path.read_text(encoding="utf-8"), kit.version)
    assert not found, "\n".join(found)


def test_every_mark_names_a_version_that_is_known():
    """A mark with a misspelt version would take its line out of the check."""
    for path in FILES:
        for use in uses_of(path.read_text()):
            assert set(use.versions) <= set(kit_double.VERSIONS), f"{path}: {use}"


@pytest.mark.parametrize(
    "text",
    [
        "import omni.ui as ui\nui.Lable('x')",
        "import omni.ui as ui\nui.FloatField(min_value=0)",
        "import omni.ui as ui\nui.VStack(margin=3)",
        "import omni.ui as ui\nui.ImageWithProvider(p, fill_policy=ui.FillPolicy.IWP_STRETCH)",
        "from omni.ui import Buttton",
        "import omni.nothing",
        "def f():\n    import omni.usd\n    omni.usd.get_context().get_stagee()",
        "import omni.ui as ui\nm = ui.SimpleStringModel('')\nm.set_text('x')",
        "import omni.ui as ui\nclass A:\n    def __init__(self):\n        self.m = ui.SimpleStringModel('')\n"
        "    def f(self):\n        self.m.set_text('x')",
        "import omni.ui as ui\ndef f(model: ui.AbstractValueModel):\n    model.as_number()",
        "import omni.ui as ui\nclass W(ui.Window):\n    def __init__(self):\n        super().__init__('t', hight=3)",
        "import omni.ui as ui\nclass W(ui.Window):\n    def f(self):\n        self.defered_dock_in('x')",
        "import carb\ncarb.log_eror('x')",
        "import carb\ncarb.log_error('x %s', 3)",
        "import carb.settings\ncarb.settings.get_settings().set_boolean('/x', True)",
        "import omni.timeline\nomni.timeline.get_timeline_interface().start()",
    ],
)
def test_bad_use_is_found(kit, text):
    """Each of these is one that real Kit answers with silence or in front of a user."""
    assert faults(text, kit.version)


@pytest.mark.parametrize(
    "text",
    [
        "import omni.ui as ui\nwith ui.VStack(spacing=3) as box:\n    ui.Label('x', width=0, tooltip='y')\nbox.visible",
        "import omni.ui as ui\nui.Plot(ui.Type.LINE, 0.0, 1.0, *values, tooltip='x')",
        "import omni.ui as ui\nui.ComboBox(0, *words, identifier='x')",
        "import carb\ncarb.log_error('x')",
        "import omni.timeline\nomni.timeline.GLOBAL_EVENT_NOWHERE  # kit: 9.9",
    ],
)
def test_good_use_passes(kit, text):
    """The check refuses nothing that is allowed, and leaves alone what is for another version."""
    assert faults(text, kit.version) == []


def test_version_marks_count(kit):
    """A name of 6.0 alone fails on 5.1 unless its line says that it is for 6.0."""
    plain = "import omni.timeline\nomni.timeline.GLOBAL_EVENT_STOP"
    assert bool(faults(plain, kit.version)) == (kit.version == "5.1")
    assert faults(plain + "  # kit: 6.0", kit.version) == []


EXTENSION_FILES = [path for path in FILES if "exts" in path.relative_to(ROOT).parts]


@pytest.mark.parametrize("name", ["step", "run_until_complete", "wait_until_complete", "run", "stop", "preview"])
def test_no_synchronous_orchestrator_call_in_the_extension(name):
    """In a window they raise OrchestratorError; only the `_async` twins may be called."""
    for path in EXTENSION_FILES:
        for call in literals(path.read_text(), name):
            assert "orchestrator" not in ast.unparse(call.func), f"{path}:{call.lineno}"


def test_no_trap_by_name():
    """new_layer swallows what is raised within; seed 0 leaves Replicator's generator random."""
    for path in FILES:
        text = path.read_text()
        assert not list(literals(text, "new_layer")), path
        for call in literals(text, "set_global_seed"):
            assert ast.unparse(call) != "rep.set_global_seed(0)", f"{path}:{call.lineno}"
