"""Augmentation of features in training: shifts in time and frequency, or of an image, and gaps.

A network that learns from few voices then generalizes better to other voices and rooms. Masking is that of
SpecAugment (D. Park et al., 2019); a shift by channels imitates a longer or shorter vocal tract.
"""

from __future__ import annotations

import torch


def augmented(
    clips: torch.Tensor, *, shift_slices: int, shift_channels: int, mask_slices: int, mask_channels: int
) -> torch.Tensor:
    """Shift and mask each clip by its own amounts, drawn from torch's generator.

    Args:
        clips: float32 (N, slices, channels), or images (N, colors, rows, columns); all colors move alike.
        shift_slices: largest shift in time, both ways; the edge is repeated.
        shift_channels: largest shift in frequency.
        mask_slices: most slices in a row that become zero.
        mask_channels: most channels in a row that become zero.
    """
    slices = _moved(clips, -2, shift_slices)  # (N, slices)
    channels = _moved(clips, -1, shift_channels)  # (N, channels)
    colors = (slice(None), *[None] * (clips.dim() - 3))
    places = (slices[:, :, None] * clips.shape[-1] + channels[:, None, :])[colors].expand_as(clips)
    shifted = clips.flatten(-2).gather(-1, places.flatten(-2)).reshape(clips.shape)
    gaps = _gap(clips, -2, mask_slices)[:, :, None] | _gap(clips, -1, mask_channels)[:, None, :]
    return shifted.masked_fill_(gaps[colors], 0)


def _moved(clips: torch.Tensor, axis: int, reach: int) -> torch.Tensor:
    """Draw the source index of each index of the axis, int64 (N, size)."""
    size = clips.shape[axis]
    moves = torch.randint(-reach, reach + 1, (len(clips), 1))
    return (torch.arange(size) - moves).clamp_(0, size - 1)


def _gap(clips: torch.Tensor, axis: int, longest: int) -> torch.Tensor:
    """Draw a mask of the axis, bool (N, size): 0 to `longest` in a row, cut off at the end."""
    size = clips.shape[axis]
    starts = torch.randint(0, size, (len(clips), 1))
    lengths = torch.randint(0, longest + 1, (len(clips), 1))
    places = torch.arange(size)
    return (places >= starts) & (places < starts + lengths)
