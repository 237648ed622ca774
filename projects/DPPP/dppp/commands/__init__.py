"""The command lines: each module reads arguments (``parse``), does the work (``main``), ``entry``.

``dppp_entry``, next to the package, is where the console scripts and tools/ start them.
"""
