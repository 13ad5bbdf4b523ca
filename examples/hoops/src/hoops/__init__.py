"""Basketball video to court coordinates."""

__version__ = "0.4.2"
