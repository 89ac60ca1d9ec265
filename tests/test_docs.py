"""The guides say what is true: commands parse, Python compiles or runs, links and names lead somewhere.

The checks themselves are held to a page on which everything is wrong.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import docs_checker as check

ROOT = check.ROOT
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
RUNNABLE = [
    pytest.param(block, id=f"{name}:{block.line}")
    for name, text in TEXTS.items()
    for block in check.blocks(text)
    if block.runnable
]
GUIDES = ("index", "depth_avoidance_lab", "spec", "depth_camera", "datasets", "bundle")

page = pytest.mark.parametrize("name", TEXTS)


def test_the_guides_are_there_and_the_index_names_them():
    """Every guide exists and is found from the index."""
    index = TEXTS["docs/index.md"]
    for name in GUIDES:
        assert f"docs/{name}.md" in TEXTS
        assert name == "index" or f"({name}.md)" in index
    for name in TEXTS:
        if name.startswith("docs/") and name != "docs/index.md":
            assert f"({Path(name).name})" in index, f"{name} is not in the index"


def test_commands_and_blocks_are_found():
    """The checks below look at something: every verb of the lab, and blocks that run."""
    found = [command for text in TEXTS.values() for _, command in check.commands(text)]
    for verb in ("generate", "check", "preview", "train", "export", "evaluate", "demo", "test", "setup"):
        assert any(f"./sim2real.sh {verb}" in command for command in found), verb
    assert sum("standalone/" in command for command in found) >= 4
    assert len(RUNNABLE) >= 6


@page
def test_every_command_parses(name):
    """Each command line is one that its verb takes."""
    assert check.command_faults(TEXTS[name]) == []


@page
def test_every_python_block_compiles(name):
    """It compiles, what it imports from us exists, and its calls name arguments that exist."""
    assert check.python_faults(TEXTS[name]) == []


@page
def test_every_spec_is_one(name):
    """A YAML block that begins as a spec does reads as one."""
    assert check.yaml_faults(TEXTS[name]) == []


@page
def test_every_relative_link_leads_somewhere(name):
    """To a file, and to a heading where it names one."""
    assert check.link_faults(TEXTS[name], ROOT / name) == []


@page
def test_every_name_and_path_exists(name):
    """Dotted names import, paths of the repository exist."""
    assert check.name_faults(TEXTS[name]) == []
    assert check.path_faults(TEXTS[name]) == []


@pytest.mark.parametrize("block", RUNNABLE)
def test_runnable_block_runs(block, tmp_path):
    """What promises to run, runs, asserts included."""
    assert check.run_block(block, tmp_path) is None


@page
def test_no_page_promises_work(name):
    """Work that is left to do is not a page's matter."""
    assert not [word for word in ("TODO", "FIXME", "XXX") if word in TEXTS[name]]


BAD = """
# A page

Run `./sim2real.sh generat --frames 5` or

    ./sim2real.sh generate --frames five --out there
    ./sim2real.sh check there --thorough    # no such flag
    SOME=1 ./sim2real.sh evaluate --bundle run \\
        --physics ovphysx
    python standalone/generate_depth.py --out there --fast
    python standalone/no_such.py
    ./python.sh standalone/generate_depth_replicator.py --frames 5

Read [this](nowhere.md), [that](page.md#no-such-heading), ![picture](no.png), [good](page.md#a-page).
It is `sim2real.spec.load_specs`, `sim2real.specs.load_spec` or `sim2real.spec.Spec.sead`, in `source/sim2real/none.py`.

```python
for = 1
```

```python
# runnable
from sim2real.spec import load_spec
assert load_spec("avoidance").seed == 8
```

```python
from sim2real.spec import no_such_name
from sim2real.datasets.generate import GenerateCfg

GenerateCfg(out="there", frame=5)
```

```python
from sim2real_studio.graphs.capture import CaptureCfg, captured

CaptureCfg(out="there", frame=5)
```

```yaml
schema: 1
seed: seven
```
"""


def test_bad_commands_are_found():
    """An unknown verb, a wrong value, an unknown flag, a missing argument, a missing script."""
    faults = "\n".join(check.command_faults(BAD))
    for said in (
        "unknown verb 'generat'",
        "invalid int value: 'five'",
        "unrecognized arguments: --thorough",
        "the following arguments are required: --out",
        "unrecognized arguments: --fast",
        "there is no standalone/no_such.py",
        "generate_depth_replicator.py: error: the following arguments are required: --out",
    ):
        assert said in faults
    assert len(check.command_faults(BAD)) == 7


def test_bad_python_is_found(tmp_path):
    """A syntax error, an import of nothing, an argument of nothing; and an assertion that fails when it runs."""
    faults = check.python_faults(BAD)
    frame = "takes no argument 'frame'"
    words = ("does not compile", "no_such_name", f"GenerateCfg {frame}", "captured", f"CaptureCfg {frame}")
    assert len(faults) == len(words)
    for said, fault in zip(words, faults, strict=True):
        assert said in fault
    (block,) = (block for block in check.blocks(BAD) if block.runnable)
    assert "AssertionError" in check.run_block(block, tmp_path)
    assert BAD.splitlines()[block.line - 1] == "# runnable"


def test_bad_specs_links_names_and_paths_are_found(tmp_path):
    """Each is named."""
    (tmp_path / "page.md").write_text(BAD)
    assert "seed" in check.yaml_faults(BAD)[0]
    links = check.link_faults(BAD, tmp_path / "page.md")
    assert [fault.partition(":")[0] for fault in links] == ["nowhere.md", "page.md#no-such-heading", "no.png"]
    names = check.name_faults(BAD)
    assert [fault.partition(":")[0] for fault in names] == [
        "sim2real.spec.load_specs",
        "sim2real.specs.load_spec",
        "sim2real.spec.Spec.sead",
    ]
    assert check.path_faults(BAD) == ["source/sim2real/none.py: no such file"]


@pytest.mark.parametrize(
    "line",
    [
        "./sim2real.sh",
        "./sim2real.sh VERB --help",
        "./sim2real.sh setup --accept-nvidia-terms",
        "./sim2real.sh test -m slow -x",
        "./sim2real.sh train --data a b --out c --no-resume  # goes over two sets",
        "SIM2REAL_PYTHON=/x/python3.12 ./sim2real.sh demo --quick",
        ".venv/bin/python standalone/train_avoidance.py --data a --out b",
    ],
)
def test_good_commands_pass(line):
    """No fault where there is none, in a block as in running text."""
    for text in (f"    {line}\n", f"Type `{line}` and wait.\n"):
        assert len(list(check.commands(text))) == 1
        assert check.command_faults(text) == []
