"""omni.ui: constructors as wide as the table of Kit 110, a real tree of widgets, models that notify, and no pixels."""
