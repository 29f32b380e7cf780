"""The pipeline from a variant to a model for the boards: train, compress, convert, describe.

Each step is a content-addressed artifact of the store. Its key hashes the inputs of the step, the versions of
the packages that matter to it and its code, and nothing else. So variants of one training share a checkpoint,
and a new title or threshold repeats only the steps that depend on it.

torch and TensorFlow are imported inside the steps only: a run that takes everything from the store must not
wait seconds for them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import progress
from models.data.corpus import CorpusConfig, corpus_path, synthetic_corpus
from models.data.dataset import SPLITS, DatasetConfig, Split
from models.data.features import FeatureSets, feature_path, feature_sets, joined, joined_path
from models.data.front_ends import front_end, load_front_end
from models.data.images import CIFAR_10, DIGITS, image_sets
from models.data.splits import check_splits, check_usable, require_word_folders
from models.data.vocabulary import LABELS
from models.describe import describe_tflite, describe_torch_only, evaluate_tflite, write_clips
from models.errors import ConfigError, ConversionError
from models.model_artifact import CONTENTS, ModelArtifact
from models.signed_output import has_unsigned_output, with_signed_output
from models.store import Store
from models.tflite import TfliteModel, read_tflite
from models.variants import BOTH, PEOPLE, SYNTHETIC, Variant

if TYPE_CHECKING:
    from torch import nn

_MAX_ID_CHARACTERS = 60
"""A record of the board holds 63 characters."""

_FEWEST_CLIPS = 6000
"""Training clips of people: fewer would hardly count beside the 9,800 of the synthetic corpus."""

_CONVERSION = "conversion.json"
_COMPRESSION = "compressed.json"
_TRAINING = "training.json"

_FRONT_ENDS = ("data/features.py", "data/front_ends")
_NETWORK = ("networks", "data/features.py")
_LEARNING = ("train.py", "metrics.py", "data/augmentation.py", *_NETWORK)
_DESCRIPTION = (
    "pipeline.py",
    "describe.py",
    "tflite.py",
    "signed_output.py",
    "evaluation.py",
    "reference.py",
    "interpreter.py",
    *_FRONT_ENDS,
)


@dataclass(frozen=True)
class Step:
    """A step of the pipeline with everything its result depends on.

    Attributes:
        store: holds the result.
        name: becomes the folder in the store.
        inputs: see `Store.path_of`.
        code: files and folders below models/ that do the step.
        packages: packages whose versions matter to the result.
    """

    store: Store
    name: str
    inputs: Mapping[str, Any]
    code: tuple[str, ...]
    packages: tuple[str, ...] = ()

    @cached_property
    def path(self) -> Path:
        """The folder of the result, whether it exists or not."""
        return self.store.path_of(self.name, self._all_inputs, self._files)

    @property
    def done(self) -> bool:
        return self.store.has(self.path)

    def build(self, make: Callable[[Path], None], title: str = "") -> Path:
        """Return the folder of the result, made by `make` if it does not exist; see `Store.build`."""
        return self.store.build(self.name, self._all_inputs, make, self._files, title)

    @property
    def _all_inputs(self) -> dict[str, Any]:
        return {**self.inputs, "packages": {package: version(package) for package in self.packages}}

    @property
    def _files(self) -> list[Path]:
        return [Path(__file__).parent / name for name in self.code]


@dataclass(frozen=True)
class Steps:
    """The steps of a variant.

    Attributes:
        train: makes the checkpoint, see `models.train.save`.
        compress: prunes, quantizes and fine-tunes; None if the variant has neither pruning nor quantization.
        convert: makes the .tflite; None if no board can run the variant.
        export: makes the .onnx alone, for networks of which nothing else is needed.
        describe: makes the model's folder, see `ModelArtifact`.
    """

    train: Step
    compress: Step | None
    convert: Step | None
    export: Step
    describe: Step

    @property
    def network(self) -> Step:
        """The step that makes the network as it is evaluated in torch."""
        return self.compress or self.train


def steps_of(variant: Variant, features: str, store: Store) -> Steps:
    """Return the steps of a variant; nothing is computed.

    Args:
        variant: the variant.
        features: name of the feature sets' artifact.
        store: holds the results.
    """
    train = Step(
        store,
        "train",
        {
            "network": variant.network,
            "seed": variant.seed,
            "training": variant.training,
            "features": features,
        },
        _LEARNING,
        ("torch",),
    )
    compress = _compression(variant, features, train)
    network = (compress or train).path.name
    convert = None
    if variant.deployable:
        convert = Step(
            store,
            "convert",
            {
                "precision": variant.precision,
                "network": network,
                "calibration": [features, variant.seed],
            },
            ("compress/step.py", "sizing.py", "tflite.py", "convert", *_NETWORK),
            ("torch", "onnx", "onnx-tf", "tensorflow-cpu"),
        )
    model = convert.path.name if convert is not None else network
    describe = Step(
        store, "describe", {"variant": variant, "model": model, "features": features}, _DESCRIPTION
    )
    export = Step(
        store,
        "export",
        {"network": network, "samples": [features, variant.seed]},
        ("compress/step.py", "convert/chain.py", "convert/export.py", *_NETWORK),
        ("torch",),
    )
    return Steps(train, compress, convert, export, describe)


def _compression(variant: Variant, features: str, train: Step) -> Step | None:
    if variant.pruning is None and variant.quantization is None:
        return None
    code, packages = ["compress/step.py", *_LEARNING], ["torch"]
    if variant.pruning is not None:
        code.append("compress/prune.py")
        if variant.pruning.kind == "channels":
            packages.append("torch-pruning")
    if variant.quantization is not None:
        code += ["compress/quantize.py", "compress/integers.py"]
        if variant.quantization.number == "minifloat":
            code.append("compress/minifloats.py")
            packages.append("brevitas")
    inputs = {
        "checkpoint": train.path.name,
        "features": features,
        "seed": variant.seed,
        "training": variant.training,
        "pruning": variant.pruning,
        "quantization": variant.quantization,
    }
    return Step(train.store, "compress", inputs, tuple(code), tuple(packages))


def dataset_name(variant: Variant, dataset_root: Path | None, store: Store) -> str:
    """Return the name of the dataset that `features_of` takes, for reports."""
    if variant.takes_images:
        return DIGITS if dataset_root is None else CIFAR_10
    return _sounds_of(variant, dataset_root, store).name


def _sounds_of(variant: Variant, dataset_root: Path | None, store: Store) -> Path:
    return dataset_root or synthetic_corpus(store, CorpusConfig.of(variant.vocabulary))


def features_of(variant: Variant, dataset_root: Path | None, store: Store) -> FeatureSets:
    """Return the features that a variant learns from; they are computed if the store does not have them.

    Args:
        dataset_root: a folder in the Speech Commands layout, whose test set judges the variant; None for the
            synthetic corpus of the variant's words. `Variant.voices` says which of both it learns from. Of a
            network that takes images see `models.data.images.image_sets`.

    Raises:
        ConfigError: the variant learns from people, but there is no dataset.
        DatasetError: the dataset lacks something.
    """
    if variant.takes_images:
        return image_sets(dataset_root, store)
    sources = _sources(variant, dataset_root)

    def sets_of(voices: str) -> FeatureSets:
        root = _sounds_of(variant, None if voices == SYNTHETIC else dataset_root, store)
        needed = [split for split in SPLITS if voices in sources[split]]
        config = _dataset_config(variant, voices, sources)
        check_splits(root, config, needed)
        sets = feature_sets(root, config, store, variant.front_end, needed)
        if "training" in needed:
            check_usable(sets, root)
        return sets

    if len(set(chain.from_iterable(sources.values()))) == 1:
        return sets_of(sources["testing"][0])
    found = {voices: sets_of(voices) for voices in (PEOPLE, SYNTHETIC)}  # a dataset that lacks a word first
    return joined({split: [found[voices] for voices in those] for split, those in sources.items()}, store)


def feature_path_of(variant: Variant, dataset_root: Path | None, store: Store) -> Path | None:
    """Return the folder of `features_of`, whether it exists or not; None without the synthetic corpus."""
    sources = _sources(variant, dataset_root)
    corpus = corpus_path(store, CorpusConfig.of(variant.vocabulary))
    used = set(chain.from_iterable(sources.values()))
    if SYNTHETIC in used and not corpus.is_dir():
        return None
    found = {}
    for voices in used:
        root = corpus if voices == SYNTHETIC or dataset_root is None else dataset_root
        found[voices] = feature_path(
            root, _dataset_config(variant, voices, sources), store, variant.front_end
        )
    if len(used) == 1:
        return found[sources["testing"][0]]
    return joined_path(
        {split: [found[voices] for voices in those] for split, those in sources.items()}, store
    )


def _sources(variant: Variant, dataset_root: Path | None) -> dict[Split, list[str]]:
    """Return by split whose voices it has; synthetic voices come first."""
    voices = variant.voices or (PEOPLE if dataset_root else SYNTHETIC)
    if dataset_root is None:
        if voices != SYNTHETIC:
            raise ConfigError(
                f"the voices {voices!r} need recordings of people",
                variant.id,
                "Give a dataset with --dataset, or choose the voices synthetic.",
            )
        return {split: [SYNTHETIC] for split in SPLITS}
    require_word_folders(dataset_root)
    learned = [SYNTHETIC, PEOPLE] if voices == BOTH else [voices]
    return {"training": learned, "validation": learned[-1:], "testing": [PEOPLE]}


def _dataset_config(variant: Variant, voices: str, sources: Mapping[Split, Sequence[str]]) -> DatasetConfig:
    config = DatasetConfig.of(variant.vocabulary)
    if voices == SYNTHETIC:
        return config
    # Without influence the share is no part of a key: points of a study then have one checkpoint.
    percent = variant.people_percent if PEOPLE in sources["training"] else 100.0
    return replace(config, training_percent=percent, fewest_clips=_FEWEST_CLIPS)


def prepare(variant: Variant, dataset_root: Path | None, store: Store) -> ModelArtifact:
    """Train, compress, convert and describe a variant; steps that are in the store are not repeated.

    A variant that no board can run has no .tflite: its accuracy is the network's in torch.

    Args:
        variant: see `models.variants`.
        dataset_root: see `features_of`.
        store: holds the features and the result of every step.

    Raises:
        DatasetError: the dataset lacks something or is broken.
        ConversionError: the trained network fails a check of the conversion.
    """
    with progress.about(variant.id):
        run = _Run(variant, dataset_root, store)
        run.network()
        run.convert()
        return run.describe()


def train(variant: Variant, dataset_root: Path | None, store: Store) -> Path:
    """Train a variant's network and return the checkpoint's folder (`models.train.save`); see `prepare`."""
    with progress.about(variant.id):
        return _Run(variant, dataset_root, store).train()


def export(variant: Variant, dataset_root: Path | None, store: Store) -> Path:
    """Export a variant's network to ONNX only; see `prepare`.

    Returns:
        A folder with `model.onnx` and `samples.npz`: `inputs` float32 (N, size) of training samples, and
        `outputs`, torch's probabilities of them.
    """
    with progress.about(variant.id):
        run = _Run(variant, dataset_root, store)
        run.network()
        return run.export()


def evaluate(variant: Variant, dataset_root: Path | None, store: Store) -> dict[str, Any]:
    """Evaluate a variant in torch, without converting it; see `prepare`.

    Returns:
        The facts that `models.compress.step.compress` writes; of a variant that is neither pruned nor
        quantized, `training.json` (`models.train.save`) with sizes and predictions on the test set.
    """
    with progress.about(variant.id):
        run = _Run(variant, dataset_root, store)
        folder = run.network()
        if run.steps.compress is not None:
            return _read_json(folder / _COMPRESSION)
        return {**_read_json(folder / _TRAINING), **run.predictions()}


class _Run:
    """A run of one variant through the pipeline."""

    def __init__(self, variant: Variant, dataset_root: Path | None, store: Store) -> None:
        self.variant = variant
        self.features = features_of(variant, dataset_root, store)
        self.steps = steps_of(variant, self.features.path.name, store)

    def train(self) -> Path:
        def make(folder: Path) -> None:
            from models import train as training

            training.save(training.fit(self.variant, self.features), folder)

        return self.steps.train.build(make)

    def network(self) -> Path:
        """Train, and compress if the variant says so."""
        checkpoint = self.train()
        if self.steps.compress is None:
            return checkpoint

        def make(folder: Path) -> None:
            from models import train as training
            from models.compress.step import compress

            network = training.load(self.variant, len(self.features.labels), checkpoint)
            compress(self.variant, network, self.features, folder)

        return self.steps.compress.build(make)

    def predictions(self) -> dict[str, Any]:
        """Return the sizes of the trained network and the label that it predicts for each test clip."""
        from models import train as training
        from models.compress.step import trained_facts

        network = training.load(self.variant, len(self.features.labels), self.steps.train.path)
        return trained_facts(network, training.probabilities_of(network, self.features, "testing"))

    def convert(self) -> None:
        if self.steps.convert is None:
            return

        def make(folder: Path) -> None:
            from models.compress import step as compression
            from models.convert import convert
            from models.networks import Deployed
            from models.sizing import sizing

            network = self._folded_network()
            precision = self.variant.precision
            samples = compression.calibration_samples(self.features, self.variant.seed)
            conversion = convert(Deployed(network), folder, precision=precision, samples=samples)
            facts = {
                **compression.describe(network),
                "sizing": asdict(sizing(network, precision)),
                "parity": conversion.parity,
            }
            (folder / _CONVERSION).write_text(json.dumps(facts, indent=1))

        self.steps.convert.build(make)

    def export(self) -> Path:
        def make(folder: Path) -> None:
            from models.compress.step import calibration_samples
            from models.convert import export_alone
            from models.networks import Deployed

            samples = calibration_samples(self.features, self.variant.seed)
            export_alone(Deployed(self._folded_network()), folder, samples)

        return self.steps.export.build(make)

    def _folded_network(self) -> nn.Module:
        from models import train as training
        from models.compress.step import load_compressed
        from models.networks import folded

        if self.steps.compress is not None:
            return load_compressed(self.steps.compress.path)
        return folded(training.load(self.variant, len(self.features.labels), self.steps.train.path))

    def describe(self) -> ModelArtifact:
        return ModelArtifact.load(self.steps.describe.build(self._write_description))

    def _write_description(self, folder: Path) -> None:
        variant, steps = self.variant, self.steps
        compressed = _read_json(steps.compress.path / _COMPRESSION) if steps.compress is not None else {}
        if steps.convert is not None:
            for name in ("model.tflite", "model.onnx", "model.torchscript.pt"):
                shutil.copyfile(steps.convert.path / name, folder / name)
            converted = _read_json(steps.convert.path / _CONVERSION)
            tflite = folder / "model.tflite"
            model = read_tflite(tflite)
            contents = describe_tflite(tflite, model, self.features.labels)
            contents |= {name: converted[name] for name in ("parameters", "remaining_parameters", "sizing")}
            contents |= evaluate_tflite(tflite, model, self.features, self.features.labels)
        else:
            contents = describe_torch_only(variant.precision, self.features, compressed)
        learned = _read_json(steps.train.path / _TRAINING)
        contents |= {
            name: compressed[name] for name in ("before_fine_tuning", "fine_tuning", "mse") if compressed
        }
        contents |= {
            "id": variant.id,
            "title": variant.title,
            "network": variant.network,
            "front_end": variant.front_end,
            "front_end_library": front_end(variant.front_end).LIBRARY,
            "seed": variant.seed,
            "pruning": asdict(variant.pruning) if variant.pruning else None,
            "quantization": asdict(variant.quantization) if variant.quantization else None,
            "base": {
                "network": variant.network,
                "seed": variant.seed,
                "training": asdict(variant.training),
            },
            "epochs": learned["epochs"],
            "kept_epoch": learned["kept_epoch"],
        }
        write_clips(self.features, self.features.labels, variant.seed, folder)
        (folder / CONTENTS).write_text(json.dumps(contents, indent=1))


def external(
    model_file: Path,
    labels: Sequence[str],
    store: Store,
    dataset_root: Path | None = None,
    front_end_name: str = "",
) -> ModelArtifact:
    """Describe a .tflite from elsewhere, after checking that a board can run it.

    Args:
        model_file: the .tflite; int8 or float32 input and output, or an output turned from int8 into uint8.
        labels: names of its outputs in order.
        store: holds the result.
        dataset_root: a folder in the Speech Commands layout, of which only the test set is needed. With it,
            accuracy is measured if the model takes the front end's features.
        front_end_name: one of `models.data.front_ends`; "" for micro, if that suits the model.

    Raises:
        ConversionError: the file cannot be read, or has inputs and outputs of another number or type.
        ConfigError: there is no such front end, or it makes features of another number than the model takes.
        DatasetError: the dataset lacks a word of the labels, or has no test set.
    """
    hearing = load_front_end(front_end_name or "micro")
    model = read_tflite(model_file)
    _check_external(model, labels, model_file)
    unsigned = has_unsigned_output(model)
    if front_end_name and model.input_tensors[0].elements != hearing.size:
        slices, channels = hearing.shape
        raise ConfigError(
            f"the front end {front_end_name} makes {slices} x {channels} features, but the model takes "
            f"{model.input_tensors[0].elements} values",
            str(model_file),
            "Name the front end that the model was trained with, or none.",
        )
    identity = re.sub(r"[^A-Za-z0-9_.-]+", "-", model_file.stem).strip("_.-")[:_MAX_ID_CHARACTERS] or "model"
    features = None
    hears = model.input_tensors[0].elements == hearing.size
    words = [label for label in labels if label not in LABELS[:2]]
    if dataset_root is not None and not hears:
        progress.warn(
            f"the dataset is not used: the model takes {model.input_tensors[0].elements:,} values, and the "
            f"front end {hearing.name} makes {hearing.size:,}. Name the model's own with --front-end."
        )
    if dataset_root is not None and hears and words:
        config = DatasetConfig.of(words)
        if "silence" not in labels:
            config = replace(config, silence_percent=0.0)
        if "unknown" not in labels:
            config = replace(config, unknown_percent=0.0)
        require_word_folders(dataset_root)
        check_splits(dataset_root, config, ["testing"])
        features = feature_sets(dataset_root, config, store, hearing.name, ["testing"])

    def make(folder: Path) -> None:
        content = model_file.read_bytes()
        if unsigned:
            content = with_signed_output(content)
        (folder / "model.tflite").write_bytes(content)
        contents = describe_tflite(folder / "model.tflite", read_tflite(folder / "model.tflite"), labels)
        contents |= {"id": identity, "title": model_file.stem}
        contents |= {"front_end": hearing.name, "front_end_library": hearing.module.LIBRARY}
        if features is not None:
            contents |= evaluate_tflite(folder / "model.tflite", model, features, labels)
            write_clips(features, labels, DatasetConfig().seed, folder)
        (folder / CONTENTS).write_text(json.dumps(contents, indent=1))

    name = features.path.name if features is not None else None
    inputs = {"model": model_file, "labels": list(labels), "features": name, "front_end": hearing.name}
    with progress.about(identity):
        if unsigned:
            progress.log("its uint8 output is taken as int8, each number less 128")
        built = Step(store, "external", inputs, _DESCRIPTION).build(make, "describe the model")
        return replace(ModelArtifact.load(built), source=model_file)


def _check_external(model: TfliteModel, labels: Sequence[str], model_file: Path) -> None:
    for tensors, place in ((model.input_tensors, "input"), (model.output_tensors, "output")):
        if len(tensors) != 1 or tensors[0].dynamic:
            found = f"{len(tensors)} {place}s" if len(tensors) != 1 else f"an {place} of open shape"
            raise ConversionError(
                f"the model has {found}",
                str(model_file),
                "Convert a network with one input and one output, both of fixed shape.",
            )
    into, out = model.input_tensors[0], model.output_tensors[0]
    same = (into.type, out.type) in (("int8", "int8"), ("float32", "float32"))
    if not same and not (into.type == "int8" and has_unsigned_output(model)):
        raise ConversionError(
            f"the model's input is {into.type}, its output {out.type}",
            str(model_file),
            "Convert it with input and output both int8 or both float32.",
        )
    if out.elements != len(labels):
        raise ConversionError(
            f"the model has {out.elements} outputs, but {len(labels)} labels are given",
            str(model_file),
            "Name every output, in order.",
        )


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())
