"""Images that are kept as they are and never built again: the canary, and what A/A nights measure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from harness.errors import UsageError
from harness.firmware.firmware import Firmware
from harness.measure.block import Subject

_FACTS, _SOUND, _TENSOR, _IMAGE = "kept.json", "golden.npy", "golden.bin", "image"


@dataclass(frozen=True)
class KeptImage:
    """An image with everything that measuring it takes.

    Attributes:
        subject: the image where it is kept now, and what it is measured on.
        origin: from where: "variant", "night", "kept" (ISO 8601), "commit".
    """

    subject: Subject
    origin: Mapping[str, str]


def keep(subject: Subject, folder: Path, origin: Mapping[str, str]) -> KeptImage:
    """Copies an image into a folder, which is whole as soon as it is there; what was there is replaced.

    Everything beside the image is kept, too: some boards are uploaded to from a folder.
    """
    scratch = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(subject.firmware.image.parent, scratch / _IMAGE)
    if isinstance(subject.golden, np.ndarray):
        np.save(scratch / _SOUND, subject.golden)
    else:
        (scratch / _TENSOR).write_bytes(subject.golden)
    firmware = replace(subject.firmware, image=Path(_IMAGE) / subject.firmware.image.name)
    facts = {
        "id": subject.id,
        "image_sha256": subject.image_sha256,
        "firmware": {**asdict(firmware), "image": str(firmware.image)},
        "origin": dict(origin),
    }
    (scratch / _FACTS).write_text(json.dumps(facts, indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)
    return read_kept(folder)


def read_kept(folder: Path) -> KeptImage:
    """Reads what `keep` left.

    Whether the image's file is still the one that was kept shows when it is measured, every time.

    Raises:
        UsageError: it is not whole.
    """
    try:
        facts = json.loads((folder / _FACTS).read_text())
        firmware = Firmware(**{**facts["firmware"], "image": folder / facts["firmware"]["image"]})
        sound = folder / _SOUND
        golden = np.load(sound) if sound.exists() else (folder / _TENSOR).read_bytes()
        return KeptImage(Subject(facts["id"], firmware, facts["image_sha256"], golden), facts["origin"])
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UsageError(
            f"the image that was kept is not whole: {problem}",
            where=str(folder),
            remedy="Restore the folder from a backup, or remove it: another one is then kept, and times are "
            "compared in a new epoch.",
        ) from problem
