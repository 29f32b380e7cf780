"""Augmentation of features."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.augmentation import augmented

NOTHING = {"shift_slices": 0, "shift_channels": 0, "mask_slices": 0, "mask_channels": 0}


@pytest.fixture
def clips():
    torch.manual_seed(1)
    return torch.rand(200, 49, 40) + 1


@pytest.mark.parametrize(("shift", "axis"), [("shift_slices", 1), ("shift_channels", 2)])
def test_each_clip_moves_by_its_own_amount(clips, shift, axis):
    moved = augmented(clips, **NOTHING | {shift: 3})
    inner = slice(3, -3)
    found = set()
    for before, after in zip(clips, moved, strict=True):
        fits = [
            move
            for move in range(-3, 4)
            if torch.equal(
                torch.roll(before, move, axis - 1).transpose(0, axis - 1)[inner],
                after.transpose(0, axis - 1)[inner],
            )
        ]
        assert len(fits) == 1
        found.update(fits)
    assert found == set(range(-3, 4))


def test_colors_of_an_image_change_alike():
    torch.manual_seed(1)
    images = torch.rand(5, 1, 32, 32).expand(5, 3, 32, 32).contiguous()
    changed = augmented(images, shift_slices=2, shift_channels=2, mask_slices=3, mask_channels=3)
    assert not torch.equal(changed, images)
    assert all(torch.equal(changed[:, color], changed[:, 0]) for color in (1, 2))


@pytest.mark.parametrize(("mask", "axis"), [("mask_slices", 1), ("mask_channels", 2)])
def test_gaps_are_whole_and_not_too_long(clips, mask, axis):
    silent = (augmented(clips, **NOTHING | {mask: 4}) == 0).transpose(1, axis)  # (N, masked axis, other)
    assert torch.equal(silent.any(2), silent.all(2))
    assert set(silent.all(2).sum(1).tolist()) == {0, 1, 2, 3, 4}


@settings(max_examples=50)
@given(st.fixed_dictionaries({name: st.integers(0, 20) for name in NOTHING}), st.integers(0, 2**32 - 1))
def test_augmentation_is_repeatable_and_invents_no_values(strengths, seed):
    clips = torch.arange(1, 1 + 3 * 49 * 40, dtype=torch.float32).reshape(3, 49, 40)
    torch.manual_seed(seed)
    first = augmented(clips, **strengths)
    torch.manual_seed(seed)
    assert torch.equal(first, augmented(clips, **strengths))
    for before, after in zip(clips, first, strict=True):
        assert set(after.flatten().tolist()) <= {0.0, *before.flatten().tolist()}
