"""The parts of ``tools/benchmark.py``, one table or a few each."""
