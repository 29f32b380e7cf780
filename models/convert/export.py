"""Export from torch to files: ONNX for the converter and ONNX Runtime, TorchScript for torch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from models.errors import ConversionError

INPUT_NAME, OUTPUT_NAME = "features", "scores"
OPSET = 13
"""The newest operator set that onnx-tf 1.10 maps to TensorFlow completely."""


def export_onnx(network: nn.Module, example: torch.Tensor, path: Path) -> None:
    """Write a network in evaluation mode as ONNX, with the static shapes of an example with a batch of 1.

    Raises:
        ConversionError: torch cannot express an operation in ONNX.
    """
    try:
        torch.onnx.export(
            network,
            (example,),
            str(path),
            dynamo=False,  # the newer exporter needs an ONNX that TensorFlow 2.15 cannot run beside
            opset_version=OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
        )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ConversionError(
            f"torch cannot export the network to ONNX: {reason}",
            type(network).__name__,
            f"Use only operators of ONNX opset {OPSET} in the network.",
        ) from error


def export_torchscript(network: nn.Module, example: torch.Tensor, path: Path) -> None:
    """Write the traced network without torch's record of source files and lines."""
    scratch = path.with_suffix(".traced")
    torch.jit.trace(network, example).save(str(scratch))
    reader = torch._C.PyTorchFileReader(str(scratch))
    writer = torch._C.PyTorchFileWriter(str(path))
    for name in reader.get_all_records():
        # Source positions hold paths of this machine; the writer adds the other two records itself.
        if not name.endswith(".debug_pkl") and name not in (".data/serialization_id", "version"):
            record = reader.get_record(name)
            writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    scratch.unlink()
