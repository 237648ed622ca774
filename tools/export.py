#!/usr/bin/env python
"""Export a trained model to one file: the command ``dppp-export``, from a checkout."""

from dppp_entry import export

if __name__ == "__main__":
    export()
