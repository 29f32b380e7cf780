"""Everything that can go wrong in models/, with what happened, where, and what to try."""

from __future__ import annotations


class UserFacingError(Exception):
    """A failure that says what happened, where, and what to try; root of those of the bench as well.

    Args:
        what: what happened, one sentence without a full stop.
        where: the file, folder, variant or operator it happened at.
        remedy: what the reader should try, an imperative sentence.
    """

    failure = "error"
    """The failure class as it stands in a night record."""

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(what, where, remedy)  # its arguments, so that it passes between processes

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        advice = f". {self.remedy}" if self.remedy else ""
        return f"{self.failure}: {self.what}{place}{advice}"


class ModelError(UserFacingError):
    """Root of the failures of training, features, datasets and conversion."""

    failure = "model"


class DatasetError(ModelError):
    """A dataset, recording or the tool that makes one is missing or broken."""

    failure = "dataset"


class ConversionError(ModelError):
    """A model did not survive a step of its conversion, or breaks a check after it."""

    failure = "conversion"


class ConfigError(ModelError):
    """A variant's or a step's configuration is not what it should be."""

    failure = "config"
