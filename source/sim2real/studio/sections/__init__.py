"""The panel's sections, one file each; :func:`sim2real.studio.section.discover` finds them."""
