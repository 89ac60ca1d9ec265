"""Does the policy transfer? Closed-loop episodes, success rates with intervals, and the report.

``intervals`` says how far a rate can be trusted, ``episodes`` keeps every finished episode on disk, ``matrix`` keeps
many such tables, ``filmstrip`` draws episodes, ``report`` turns all of it into ``report.html`` and ``report.json``.
"""
