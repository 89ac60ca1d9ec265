"""How the panel's data look in omni.ui: one file per kind of thing. Nothing here decides anything."""
