"""The custom event of "randomize now"."""

EVENT = "sim2real.randomize"
"""Fired once for every frame that is shown; graphs of a user's own may hang on it: `rep.trigger.on_custom_event`."""
