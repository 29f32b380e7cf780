"""What routes and causes are called where people read them."""

from __future__ import annotations

ROUTES = {
    "pcm": "Sample by sample",
    "acoustic": "Through the air",
    "clip": "Command mode, single clips",
}
"""In reading order; a route never shares a table with another one."""

CAUSES = {
    "latency": "too slow: heard when replayed at every slice",
    "recognizer": "the recognizer: a single score was high enough, their average was not",
    "front end": "the front end: heard with features of a clip by itself",
    "sound": "the sound: heard in the clean recording only",
    "model": "the model: not heard in the clean recording either",
}
