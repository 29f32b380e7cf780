"""Keeps TensorFlow's start-up chatter out of the terminal."""

from __future__ import annotations

import os
import warnings


def quiet_tensorflow() -> None:
    """Call before the first import of TensorFlow; only its errors are shown after that."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"tensorflow|keras|flatbuffers")
