"""A small float network, a softmax of one matrix product, as .tflite, TorchScript and ONNX."""

from __future__ import annotations

import json
import warnings

import torch

from models.log_filter import known_noise_dropped
from models.model_artifact import ModelArtifact

LABELS = ["silence", "unknown", "yes", "no"]


def artifact_in(folder, precision: str, labels=LABELS, identity: str = "some") -> ModelArtifact:
    facts = {"id": identity, "title": identity.capitalize(), "precision": precision, "labels": labels}
    (folder / "model.json").write_text(json.dumps(facts))
    return ModelArtifact.load(folder)


def write_tflite(path, weights):
    with known_noise_dropped():
        import tensorflow as tf

        @tf.function(input_signature=[tf.TensorSpec((1, 1960), tf.float32)])
        def network(features):
            return tf.nn.softmax(features @ tf.constant(weights))

        converter = tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()])
        path.write_bytes(converter.convert())


def write_torch_and_onnx(folder, weights):
    network = torch.nn.Sequential(torch.nn.Linear(1960, len(LABELS), bias=False), torch.nn.Softmax(-1)).eval()
    with torch.no_grad():
        network[0].weight.copy_(torch.from_numpy(weights.T.copy()))
    example = torch.zeros(1, 1960)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.trace(network, example), folder / "model.torchscript.pt")
        torch.onnx.export(network, (example,), str(folder / "model.onnx"), dynamo=False, opset_version=13)
