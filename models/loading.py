"""From a path to a classifier, on the runtime that suits the machine."""

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from models.classifier import ModelError, Runtime
from models.encoding import Encoder
from models.reading import our_reading
from models.weights_folder import GET_THEM, GRAPH, WEIGHTS, read_card
from models.windowed import WindowedClassifier

_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""NVIDIA's, AMD's, and Windows' for Linux."""
_TORCH = ("torch", "transformers", "safetensors", "huggingface_hub")
_INSTALL_TORCH = (
    "do without THREADWATCH_RUNTIME, or read “Bring your own model” in README.md (with systemd or Docker: “With "
    "PyTorch” in docs/operations.md) and then `.venv/bin/pip install -e '.[torch]'`"
)


def load_classifier(path: Path, runtime: Runtime = Runtime.AUTO) -> WindowedClassifier:
    """The classifier in a weights folder of ours, or the one that a TOML file describes; raises ``ModelError``.

    Torch is an extra, and takes seconds and hundreds of megabytes to import, so it is only where it is needed.
    """
    foreign = path.suffix == ".toml"
    if foreign and runtime is Runtime.ONNX:
        raise ModelError(f"{path}: a model that is not ours runs on torch. Set THREADWATCH_RUNTIME to auto or torch.")
    if chosen_runtime(path, runtime) is Runtime.ONNX:
        return load_onnx(path)
    if not _has_torch():
        what = f"{path}: a model that is not ours" if foreign else "THREADWATCH_RUNTIME=torch"
        raise ModelError(f"{what} needs PyTorch, which is not installed: {_INSTALL_TORCH}.")
    if foreign:
        from models.foreign import load_foreign

        return load_foreign(path)
    return load_torch(path)


def chosen_runtime(path: Path, runtime: Runtime) -> Runtime:
    """What computes the model at ``path``: never ``AUTO``."""
    if runtime is not Runtime.AUTO:
        return runtime
    return Runtime.TORCH if path.suffix == ".toml" or _has_gpu() else Runtime.ONNX


def unused_gpu(path: Path, runtime: Runtime) -> str | None:
    """If ``AUTO`` leaves a GPU of this machine idle: why, and what to do about it."""
    if runtime is not Runtime.AUTO or not _shows_gpu() or chosen_runtime(path, runtime) is Runtime.TORCH:
        return None
    if not _has_torch():
        return "no PyTorch to use it: `pip install -e '.[torch]'`"
    return "the PyTorch that is installed cannot use it: install its build for this GPU, and the GPU's driver"


def load_onnx(folder: Path) -> WindowedClassifier:
    """Our weights in int8, on the processor; raises ``ModelError``."""
    card = read_card(folder, GRAPH)
    try:
        from models.onnx_network import OnnxNetwork
    except (ImportError, OSError) as error:  # a compiled library that does not fit the machine
        raise ModelError(
            f"ONNX Runtime cannot be loaded ({error}). Install it anew: `.venv/bin/pip install --force-reinstall "
            "onnxruntime==1.32.0`."
        ) from error
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
    """Whether torch can use a GPU."""
    if not _shows_gpu() or not _has_torch():
        return False
    import torch

    return torch.cuda.is_available()


def _shows_gpu() -> bool:
    return any(Path(device).exists() for device in _GPU_DEVICES) or shutil.which("nvidia-smi") is not None


def _has_torch() -> bool:
    """Looked up, not imported."""
    return all(find_spec(name) for name in _TORCH)
