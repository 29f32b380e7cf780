"""The split of Speech Commands as it was published: files of its own lists, and its counts."""

from __future__ import annotations

import pytest

from models.data.dataset import share, split_of

# Of validation_list.txt and testing_list.txt, and of neither.
PUBLISHED = {
    "validation": [
        "bed/fde2dee7_nohash_0.wav",
        "bird/099d52ad_nohash_0.wav",
        "cat/66cff190_nohash_0.wav",
        "dog/541120c7_nohash_0.wav",
        "go/0ab3b47d_nohash_1.wav",
        "happy/4abefdf5_nohash_0.wav",
    ],
    "testing": [
        "bed/0c40e715_nohash_0.wav",
        "bird/42beb5eb_nohash_0.wav",
        "cat/2aa787cf_nohash_2.wav",
        "down/022cd682_nohash_0.wav",
        "four/27c30960_nohash_0.wav",
        "go/d0faf7e4_nohash_4.wav",
    ],
    "training": ["two/a3502f15_nohash_0.wav", "yes/05b2db80_nohash_0.wav", "zero/32561e9e_nohash_0.wav"],
}


@pytest.mark.parametrize(
    ("name", "split"), [(name, split) for split, names in PUBLISHED.items() for name in names]
)
def test_a_published_file_is_in_its_published_set(name, split):
    assert split_of(name) == split


def test_the_published_test_set_has_its_published_size():
    """419 yes, 405 no, and a third of them each of silence and unknown words."""
    wanted = 419 + 405
    assert share(wanted, 33) == 272
    assert wanted + 2 * share(wanted, 33) == 1368
