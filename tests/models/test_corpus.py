"""The synthetic corpus: its layout, its determinism, and voices that stay in one split."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from models import cluster
from models.data import espeak
from models.data.corpus import CorpusConfig, synthetic_corpus, utterances
from models.data.dataset import SpeechCommands, split_of
from models.data.voices import CORPUS_VARIANTS, HELD_OUT_VARIANTS
from models.errors import DatasetError
from models.store import Store

SMALL = CorpusConfig(others=("cat", "up"), wanted_each=12, others_each=4, noise_s=1.0)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Synthesize a corpus twice, in the same processes: their start takes longer than the words."""
    stores = [Store(tmp_path_factory.mktemp("store")) for _ in range(2)]
    with cluster.opened(stores[0]):
        return [synthetic_corpus(store, SMALL) for store in stores]


@pytest.fixture(scope="module")
def corpus(corpora):
    return corpora[0]


def test_the_corpus_has_the_layout_of_speech_commands(corpus):
    counts = {path.name: len(list(path.glob("*.wav"))) for path in corpus.iterdir() if path.is_dir()}
    noise = counts.pop("_background_noise_")
    assert counts == {"yes": 12, "no": 12, "cat": 4, "up": 4}
    assert noise >= 4
    assert SpeechCommands(corpus).clips("training")


def test_the_same_configuration_gives_the_same_bytes(corpora):
    corpus, again = corpora
    files = sorted(path.relative_to(corpus) for path in corpus.rglob("*.wav"))
    assert [path for path in files if (corpus / path).read_bytes() != (again / path).read_bytes()] == []


def test_a_voice_is_in_one_split_only():
    sets: dict[str, set[str]] = {}
    for utterance in utterances(CorpusConfig()):
        sets.setdefault(utterance.voice, set()).add(split_of(utterance.name))
    assert all(len(found) == 1 for found in sets.values())
    assert set.union(*sets.values()) == {"training", "validation", "testing"}
    assert not set(CORPUS_VARIANTS) & set(HELD_OUT_VARIANTS), "voices of the recordings are reserved"


def test_a_missing_espeak_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(espeak.espeak_server, "__file__", "missing.py")
    monkeypatch.setattr(espeak, "_server", espeak._Server)
    with pytest.raises(DatasetError, match="apt-get install espeak-ng"):
        espeak.speak("yes", espeak.Manner("en-us"))


INTERRUPTED = """
import sys
from pathlib import Path
from models.data.corpus import CorpusConfig, synthetic_corpus
from models.store import Store
if __name__ == "__main__":
    try:
        synthetic_corpus(Store(Path(sys.argv[1])), CorpusConfig())
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_ends_all_processes_without_a_traceback(tmp_path):
    """Ctrl-C reaches every process of a terminal."""
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    user = subprocess.Popen(
        [sys.executable, script, tmp_path / "store"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while not any(name.endswith(".wav") for _, _, names in os.walk(tmp_path / "store") for name in names):
        assert user.poll() is None, user.communicate()[0]
        time.sleep(0.05)
    os.killpg(user.pid, signal.SIGINT)
    assert user.communicate(timeout=600)[0] == "interrupted\n"
