"""The command line: one file per verb, thin.

``main`` knows the verbs by a table and imports a verb's module only when that verb runs, so that ``--help`` answers
at once on any machine. A verb's module holds ``HELP``, ``add_arguments(parser)`` and ``run(args) -> int``.
"""
