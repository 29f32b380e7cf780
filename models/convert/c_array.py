"""A .tflite as a C++ array, for engines that link the model into the image."""

from __future__ import annotations

import hashlib
from pathlib import Path

_BYTES_PER_LINE = 16

_HEADER = """\
// Generated from a .tflite with SHA-256 {sha256}.
#ifndef EARSHOT_MODEL_DATA_H_
#define EARSHOT_MODEL_DATA_H_

namespace earshot {{

constexpr unsigned int kModelDataBytes = {size};
// Aligned for the flatbuffer's 16-byte tensors, which are read in place.
extern const unsigned char kModelData[kModelDataBytes];

}}  // namespace earshot

#endif  // EARSHOT_MODEL_DATA_H_
"""

_SOURCE = """\
// Generated from a .tflite with SHA-256 {sha256}.
#include "model_data.h"

namespace earshot {{

alignas(16) const unsigned char kModelData[kModelDataBytes] = {{
{lines}
}};

}}  // namespace earshot
"""


def write_c_array(tflite: Path, folder: Path) -> tuple[Path, Path]:
    """Writes `model_data.h` and `model_data.cc` (C++11 or later).

    Returns:
        The header and the source.
    """
    content = tflite.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    lines = (
        "    " + " ".join(f"0x{byte:02x}," for byte in content[start : start + _BYTES_PER_LINE])
        for start in range(0, len(content), _BYTES_PER_LINE)
    )
    header, source = folder / "model_data.h", folder / "model_data.cc"
    header.write_text(_HEADER.format(sha256=sha256, size=len(content)))
    source.write_text(_SOURCE.format(sha256=sha256, lines="\n".join(lines)))
    return header, source
