"""Does an engine hold what was drawn, and do bodies move by it: read-back, and probes on small scenes."""
