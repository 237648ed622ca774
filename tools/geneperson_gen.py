#!/usr/bin/env python
"""Make and check virtual pedestrian data sets: the command ``geneperson``, from a checkout."""

from geneperson.command_line import entry

if __name__ == "__main__":
    entry()
