"""From a path to a classifier, on the runtime that suits the machine."""

import shutil
from dataclasses import replace
from pathlib import Path

from models.classifier import ModelError, Runtime
from models.encoding import Encoder
from models.reading import our_reading
from models.weights_folder import GET_THEM, GRAPH, WEIGHTS, read_card
from models.windowed import WindowedClassifier

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""NVIDIA's, AMD's, and Windows' for Linux."""


def load_classifier(path: Path, runtime: Runtime = Runtime.AUTO) -> WindowedClassifier:
    """The classifier in a weights folder of ours, or the one that a TOML file describes; raises ``ModelError``.

    Torch takes seconds and hundreds of megabytes to import, so it is only where it is needed.
    """
    if path.suffix == ".toml":
        if runtime is Runtime.ONNX:
            raise ModelError(
                f"{path}: a model that is not ours runs on torch. Set THREADWATCH_RUNTIME to auto or torch."
            )
        from models.foreign import load_foreign

        return load_foreign(path)
    if runtime is Runtime.TORCH or (runtime is Runtime.AUTO and _has_gpu()):
        return load_torch(path)
    return load_onnx(path)


def load_onnx(folder: Path) -> WindowedClassifier:
    """Our weights in int8, on the processor; raises ``ModelError``."""
    card = read_card(folder, GRAPH)
    from models.onnx_network import OnnxNetwork

    try:
        reading = our_reading(card, Encoder.load(folder))
    except ValueError as error:
        raise ModelError(f"The model at {folder} cannot be loaded: {error}. {GET_THEM}") from error
    info = replace(card.info, version=f"{card.info.version}+int8")
    return WindowedClassifier(OnnxNetwork(folder / GRAPH), replace(reading, info=info))


def load_torch(folder: Path, *, precise: bool = False) -> WindowedClassifier:
    """Our weights on torch, ``precise`` in single precision; raises ``ModelError``."""
    card = read_card(folder, WEIGHTS)
    from safetensors import SafetensorError

    from models.torch_network import TorchNetwork, load_network

    try:
        network = TorchNetwork(*load_network(folder), precise=precise)
        return WindowedClassifier(network, our_reading(card, Encoder.load(folder)))
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"The model at {folder} cannot be loaded: {error}. {GET_THEM}") from error


def _has_gpu() -> bool:
    if not any(Path(device).exists() for device in _GPU_DEVICES) and not shutil.which("nvidia-smi"):
        return False
    import torch

    return torch.cuda.is_available()
