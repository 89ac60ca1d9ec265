"""The panel in a browser: viser's server with a guard before it, the panel's widgets, and a 3-D view of a running env.

:class:`~sim2real.studio.browser.server.Studio` starts it. It needs the Python 3.12 environment and viser; the rest
of the studio does not.
"""
