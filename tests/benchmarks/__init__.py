"""Measurements of time and memory, ours and others': ``python -m tests.benchmarks --help``. These are not tests."""
