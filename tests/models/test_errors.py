"""Tests of models/errors.py: the text of an error."""

from __future__ import annotations

import pickle

from models.errors import ConfigError


def test_only_the_beginning_of_an_absurdly_long_word_is_shown():
    failure = ConfigError(f"the file has no key {5_000 * 'x'!r}", "a.toml", f"Allowed are: {5_000 * 'y'}.")
    for shown in (failure, pickle.loads(pickle.dumps(failure))):
        assert str(shown) == f"config: the file has no key '{199 * 'x'}… (a.toml). Allowed are: {200 * 'y'}…"
