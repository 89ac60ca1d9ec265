"""Runs made of stages: each stage is a verb, finished ones are kept, a stopped run goes on where it was."""
