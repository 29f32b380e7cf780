"""Makes other clips of the features of a clip: moved, in another throat, with gaps. For training only.

What a network learns of few voices holds then for voices and rooms that it has not heard. Masking is that of
SpecAugment (D. Park et al., 2019); the move by channels stands for a longer or shorter vocal tract.
"""

from __future__ import annotations

import torch


def augmented(
    clips: torch.Tensor, *, shift_slices: int, shift_channels: int, mask_slices: int, mask_channels: int
) -> torch.Tensor:
    """Each clip with a shift and a gap of its own, drawn from torch's generator.

    Args:
        clips: float32 (N, slices, channels).
        shift_slices: a clip moves by up to this much in time, both ways; its edge is repeated.
        shift_channels: the same in frequency.
        mask_slices: up to this many slices in a row become zero.
        mask_channels: up to this many channels in a row become zero.

    Returns:
        float32 of the same shape.
    """
    slices = _moved(clips, 1, shift_slices)  # (N, slices)
    channels = _moved(clips, 2, shift_channels)  # (N, channels)
    places = slices[:, :, None] * clips.shape[2] + channels[:, None, :]
    shifted = clips.flatten(1).gather(1, places.flatten(1)).reshape(clips.shape)
    gaps = _gap(clips, 1, mask_slices)[:, :, None] | _gap(clips, 2, mask_channels)[:, None, :]
    return shifted.masked_fill_(gaps, 0)


def _moved(clips: torch.Tensor, axis: int, reach: int) -> torch.Tensor:
    """Where each place of the axis is taken from: int64 (N, size)."""
    size = clips.shape[axis]
    moves = torch.randint(-reach, reach + 1, (len(clips), 1))
    return (torch.arange(size) - moves).clamp_(0, size - 1)


def _gap(clips: torch.Tensor, axis: int, longest: int) -> torch.Tensor:
    """Where the axis is masked: bool (N, size), 0 to `longest` in a row, cut off at the end."""
    size = clips.shape[axis]
    starts = torch.randint(0, size, (len(clips), 1))
    lengths = torch.randint(0, longest + 1, (len(clips), 1))
    places = torch.arange(size)
    return (places >= starts) & (places < starts + lengths)
