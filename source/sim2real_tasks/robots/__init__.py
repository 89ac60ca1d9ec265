"""Robots: their descriptions, geometry and Isaac Lab configurations."""
