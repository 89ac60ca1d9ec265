"""extension.toml: what Kit reads of the extension, for 5.1 and 6.x."""

import re

import pytest
import tomllib
from PIL import Image

EVERYWHERE = {
    "omni.kit.actions.core", "omni.kit.menu.utils", "omni.kit.notification_manager", "omni.kit.uiapp",
    "omni.kit.window.filepicker", "omni.timeline", "omni.ui", "omni.usd",
}  # fmt: skip
"""Extensions that Isaac Sim 5.1 and 6.0 both have; only these may be required."""
OPTIONAL = {
    "isaacsim.core.experimental.prims", "isaacsim.core.prims", "omni.graph.scriptnode", "omni.isaac.core",
    "omni.kit.viewport.utility", "omni.kit.window.extensions", "omni.replicator.core", "omni.warp",
}  # fmt: skip
"""Extensions that one of them may lack, or that an app may leave out."""


@pytest.fixture
def manifest(extension_path):
    """The parsed file."""
    return tomllib.loads((extension_path / "config" / "extension.toml").read_text())


def test_files_that_it_names_are_there(manifest, extension_path):
    """Readme, changelog, icon and preview exist; the icon has the size that Kit recommends."""
    package = manifest["package"]
    for key in ("readme", "changelog", "icon", "preview_image"):
        assert (extension_path / package[key]).is_file(), package[key]
    with Image.open(extension_path / package["icon"]) as icon:
        assert icon.size == (256, 256)


def test_only_what_both_versions_have_is_required(manifest):
    """A required extension that a version lacks would keep the whole extension from starting there."""
    wanted = manifest["dependencies"]
    assert {name for name, entry in wanted.items() if not entry.get("optional")} == EVERYWHERE
    assert {name for name, entry in wanted.items() if entry.get("optional")} == OPTIONAL


def test_version_is_the_changelogs(manifest, extension_path):
    """The newest entry of the changelog is this version."""
    changelog = (extension_path / "docs" / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[([\d.]+)\]", changelog, re.MULTILINE).group(1) == manifest["package"]["version"]


def test_settings_are_the_ones_that_are_read(manifest, extension_path):
    """Each setting of the file is read by name, and each that is read has a default here."""
    code = (extension_path / "sim2real_studio" / "settings.py").read_text()
    transient = set(manifest["settings"]["exts"]["sim2real.studio"])
    kept = set(manifest["settings"]["persistent"]["exts"]["sim2real.studio"])
    assert set(re.findall(r'f"/exts/\{NAME\}/(\w+)"', code)) == transient
    assert set(re.findall(r'f"/persistent/exts/\{NAME\}/(\w+)"', code)) == kept


def test_readme_names_every_setting(manifest, extension_path):
    """The readme in the Extensions window lists them all."""
    readme = (extension_path / "docs" / "README.md").read_text()
    for group, table in (
        ("", manifest["settings"]["exts"]),
        ("/persistent", manifest["settings"]["persistent"]["exts"]),
    ):
        for name in table["sim2real.studio"]:
            assert f"`{group}/exts/sim2real.studio/{name}`" in readme
