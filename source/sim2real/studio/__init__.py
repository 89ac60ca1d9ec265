"""The panel as data, without a window: sections of fields, actions, outputs and jobs, kept in a workspace.

:class:`~sim2real.studio.panel.Panel` is what a front end draws; the browser and the Omniverse extension show the same
one. Light: NumPy, PyYAML, Warp and Pillow; it runs on the Python 3.11 of Isaac Sim 5.1. Long work runs the verbs of the
configured Python 3.12 as processes of their own.
"""

from sim2real.studio.actions import Action
from sim2real.studio.errors import FieldError, StudioError, WorkspaceError
from sim2real.studio.fields import Field
from sim2real.studio.jobs import Job
from sim2real.studio.outputs import Curve, FileLink, Histogram, Picture, Table, Text, Timeline
from sim2real.studio.panel import Panel
from sim2real.studio.section import Section, discover
from sim2real.studio.workspace import Workspace

__all__ = [
    "Action", "Curve", "Field", "FieldError", "FileLink", "Histogram", "Job", "Panel", "Picture", "Section",
    "StudioError", "Table", "Text", "Timeline", "Workspace", "WorkspaceError", "discover",
]  # fmt: skip
