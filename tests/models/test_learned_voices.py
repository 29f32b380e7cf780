"""Voices that a variant learns from: synthetic ones, people's, or both, tested on people."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reported import reported
from small_datasets import tone_dataset

from models.data.corpus import CorpusConfig
from models.data.dataset import SPLITS, DatasetConfig, SpeechCommands
from models.errors import ConfigError, DatasetError
from models.pipeline import feature_path_of, features_of
from models.store import Store
from models.variants import BOTH, PEOPLE, SYNTHETIC, VOICES, Variant

PLAIN = Variant("plain", "Plain", "tinyconv", "int8")


@pytest.fixture(scope="module", autouse=True)
def _small_corpus():
    small = CorpusConfig(others=("cat",), wanted_each=20, others_each=6, noise_s=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CorpusConfig, "of", lambda words: small)
        yield


@pytest.fixture(scope="module")
def found(dataset, store) -> dict:
    """Return the clips of each split by voices."""
    sets = {voices: features_of(replace(PLAIN, voices=voices), dataset, store) for voices in VOICES}
    return {voices: {split: one.clips(split) for split in SPLITS} for voices, one in sets.items()}


def test_features_of_each_voices_are_a_task_of_its_own_name(found, dataset, tmp_path):
    with reported() as lines:
        features_of(replace(PLAIN, voices=BOTH), dataset, Store(tmp_path))
    tasks = {line for line in lines if "features" in line}
    assert tasks == {"features of the corpus …", f"features of {dataset.name} …", "join the features …"}


def test_synthetic_voices_and_people_together_are_the_training_set_of_both(found):
    assert found[BOTH]["training"] == found[SYNTHETIC]["training"] + found[PEOPLE]["training"]


def test_every_network_is_tested_on_people(found, dataset):
    test_set = [clip.key for clip in SpeechCommands(dataset).clips("testing")]
    assert [found[voices]["testing"] for voices in VOICES] == [test_set] * 3


def test_people_choose_the_epoch_only_of_a_network_that_learns_from_them(found):
    assert found[BOTH]["validation"] == found[PEOPLE]["validation"] != found[SYNTHETIC]["validation"]


@pytest.mark.parametrize("voices", ["", *VOICES])
def test_the_path_of_features_is_known_before_they_are_computed(found, dataset, store, voices):
    variant = replace(PLAIN, voices=voices)
    assert feature_path_of(variant, dataset, store) == features_of(variant, dataset, store).path


def test_without_a_dataset_people_are_missing(store):
    with pytest.raises(ConfigError, match="'both' need recordings of people") as raised:
        features_of(replace(PLAIN, voices=BOTH), None, store)
    assert "--dataset" in str(raised.value)


def test_a_dataset_that_lacks_a_word_is_refused_before_a_corpus_is_made(dataset, tmp_path):
    variant = replace(PLAIN, voices=BOTH, words="yes,no,absent")
    with pytest.raises(DatasetError, match='wanted word "absent"'):
        features_of(variant, dataset, Store(tmp_path))
    assert not (tmp_path / "corpus").exists()


def test_a_dataset_of_one_split_is_refused_with_its_counts(tmp_path):
    (tmp_path / "people").mkdir()
    root = tone_dataset(tmp_path / "people", speakers=5)
    names = [path.relative_to(root).as_posix() for path in root.glob("*/*_nohash_*")]
    (root / "testing_list.txt").write_text("\n".join(names))
    with pytest.raises(DatasetError) as raised:
        features_of(replace(PLAIN, voices=BOTH), root, Store(tmp_path))
    told = str(raised.value)
    assert "the training split has no recording of yes, no: all 15 recordings are in testing" in told
    assert "in validation_list.txt and testing_list.txt, or add speakers" in told


def test_a_dataset_whose_recordings_of_a_word_are_all_broken_is_refused(tmp_path):
    (tmp_path / "people").mkdir()
    root = tone_dataset(tmp_path / "people", speakers=30)
    for recording in (root / "yes").iterdir():
        recording.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"no usable recording of yes \(yes/.*: the file has 0 bytes"):
        features_of(replace(PLAIN, voices=PEOPLE), root, Store(tmp_path))


@pytest.mark.parametrize("take", [features_of, feature_path_of])
def test_the_folder_of_one_word_is_refused_with_the_folder_above_it(tmp_path, take):
    (tmp_path / "people").mkdir()
    root = tone_dataset(tmp_path / "people", speakers=2)
    with pytest.raises(DatasetError, match="no folder for each word") as raised:
        take(replace(PLAIN, voices=BOTH), root / "yes", Store(tmp_path))
    assert f"give the folder above it: {root}." in str(raised.value)


def test_a_smaller_share_of_the_speakers_is_a_part_of_a_greater_one(dataset):
    def speakers(percent: float) -> set[str]:
        clips = SpeechCommands(dataset, DatasetConfig(training_percent=percent)).clips("training")
        return {clip.key.split("/")[1] for clip in clips if clip.label > 1}

    shares = [speakers(percent) for percent in (25, 50, 100)]
    assert shares[0] < shares[1] < shares[2]
    assert len(shares[1]) == pytest.approx(len(shares[2]) / 2, rel=0.4)


def test_the_share_of_people_is_without_influence_on_synthetic_voices(found, dataset, store):
    half = replace(PLAIN, voices=SYNTHETIC, people_percent=50.0)
    whole = replace(half, people_percent=100.0)
    assert feature_path_of(half, dataset, store) == feature_path_of(whole, dataset, store)
    half, whole = (replace(one, voices=BOTH) for one in (half, whole))
    assert feature_path_of(half, dataset, store) != feature_path_of(whole, dataset, store)
