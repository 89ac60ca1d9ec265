"""omni.replicator.core: graph, orchestrator, annotators, writers and functional calls, on a real USD stage."""
