"""The command lines of ``dppp``: each module reads arguments (``parse``), does the work (``main``).

They are beside the package because ``import dppp`` takes seconds and needs fastreid. Nothing here
imports it until the arguments are right.
"""
