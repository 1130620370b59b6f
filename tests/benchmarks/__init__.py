"""What speed and memory cost us and others: ``python -m tests.benchmarks --help``. Nothing here is a test."""
