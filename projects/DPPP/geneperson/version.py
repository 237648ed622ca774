"""The version of the package, recorded in every data set."""

__version__ = "0.1.0"
