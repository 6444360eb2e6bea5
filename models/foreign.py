"""Any Hugging Face sequence classifier, with a TOML file that maps its labels to ours."""

# transformers is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
import inspect
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from torch import nn

from models.classifier import ClassifierInput, ModelError
from models.encoding import POST_TOKENS, Encoded
from models.labels import Axis, ScoreKey
from models.own_model import Activation, OwnModel, read_own_model
from models.reading import Reading, probability
from models.torch_network import TorchNetwork, load_network
from models.weights_folder import WEIGHTS
from models.windowed import WindowedClassifier

log = logging.getLogger(__name__)

_INDEX = f"{WEIGHTS}.index.json"
_SHARDS = "model-*.safetensors"
_DOWNLOADED = ["*.json", "*.txt", "*.model", WEIGHTS, _SHARDS]


def load_foreign(file: Path) -> WindowedClassifier:
    """The model that ``file`` describes, downloaded if need be and tried out; raises ``ModelError``."""
    own = read_own_model(file)
    folder = _on_the_hub(own, own.revision) if own.revision else own.folder
    if not folder.is_dir():
        raise ModelError(
            f"{file}: there is no folder {folder}. If {own.model} is a name on the Hugging Face hub, pin it with "
            "`revision`, the full commit: it stands on the model's page under Files, History."
        )
    weights = _weights(own, folder)
    pinned = f"{own.model}@{own.revision[:8]}" if own.revision else f"{folder.name}@{_checksum(weights)[:8]}"
    version = f"{pinned}+{own.fingerprint}"
    try:
        model, tokenizer = load_network(folder)
        classifier = WindowedClassifier(TorchNetwork(model, tokenizer), _reading(own, version, model, tokenizer))
        _try(classifier)
    except ModelError:
        raise
    except Exception as error:  # files that anybody may have made fail in any way
        raise ModelError(
            f"{file}: the model {version} cannot be used: {_said(error)}. Fetch its files again, or choose "
            "another model."
        ) from error
    for axis in set(Axis) - own.flagging:
        log.warning("%s has no label for %s: no post will be flagged for that", version, axis)
    return classifier


def _on_the_hub(own: OwnModel, revision: str) -> Path:
    """The folder of the pinned files; the hub is asked only for what is not on this machine yet."""
    name = f"{own.model}@{revision}"
    try:
        return Path(
            snapshot_download(own.model, revision=revision, allow_patterns=_DOWNLOADED, ignore_patterns=["*/*"])
        )
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{own.file}: {name} is not on this machine, and the hub cannot be reached. Start once with a connection "
            f"and without HF_HUB_OFFLINE, or fetch it elsewhere with `hf download {own.model} --revision {revision} "
            "--local-dir my-model` and set `model` to that folder, without `revision`."
        ) from error
    except Exception as error:  # whatever the network, the hub and the disk can do
        raise ModelError(
            f"{own.file}: the hub does not give {name} ({_said(error)}). Look whether name and revision are right; for "
            "a private or gated model set HF_TOKEN; a folder takes no `revision`."
        ) from error


def _weights(own: OwnModel, folder: Path) -> list[Path]:
    whole, shards = folder / WEIGHTS, sorted(folder.glob(_SHARDS))
    if whole.is_file():
        return [whole]
    if shards and (folder / _INDEX).is_file():
        return shards
    source = f"'{own.model}', revision='{own.revision}'" if own.revision else f"'{folder}'"
    raise ModelError(
        f"{own.file}: {own.model} has no {WEIGHTS}. Pickled weights can run code, so they are not loaded. "
        'If you trust them, convert them: python -c "from transformers import AutoModelForSequenceClassification as M, '
        f"AutoTokenizer as T; [kind.from_pretrained({source}).save_pretrained('converted') for kind in (M, T)]\" "
        "and set `model` to that folder, without `revision`."
    )


def _checksum(files: Sequence[Path]) -> str:
    """Of all ``files`` after another."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


def _reading(own: OwnModel, version: str, model: Any, tokenizer: Any) -> Reading:
    columns = _columns(own, model)
    activation = own.activation or _usual_activation(own, model)
    if activation is Activation.SOFTMAX and model.num_labels < 2:
        raise ModelError(f"{own.file}: softmax of a single label is always 1. Set `activation` to sigmoid.")
    specials = tokenizer.num_special_tokens_to_add(pair=False)
    post_tokens = min(POST_TOKENS, _longest(model, tokenizer) - specials)
    if post_tokens < 1:
        raise ValueError("it takes no text: its greatest length is that of its special tokens")
    taken = inspect.signature(model.forward).parameters
    counts: dict[ScoreKey, set[ScoreKey]] = {key: {key} for key in own.labels.values()}
    for label, axis in own.axis_of.items():
        counts[label].add(axis)

    def encode(post: str, _: str | None) -> Encoded:
        """As the model's own tokenizer does it; some make token types that the model does not take."""
        encoded = tokenizer(post, truncation=True, max_length=post_tokens + specials)
        return {name: ids for name, ids in encoded.items() if name in taken}

    def count_tokens(post: str) -> int:
        return len(tokenizer.encode(post, add_special_tokens=False, verbose=False))

    def scores(logits: Sequence[float]) -> dict[ScoreKey, float]:
        odds = logits if activation is Activation.SIGMOID else [_log_odds(logits, i) for i in range(len(logits))]
        found: dict[ScoreKey, float] = {}
        for column, key in columns.items():
            score = probability(odds[column], own.calibration.get(key, (1.0, 0.0)))
            for counted in counts[key]:
                found[counted] = max(score, found.get(counted, 0.0))
        return found

    return Reading(own.info(version), count_tokens, encode, scores, post_tokens, reads_context=False)


def _columns(own: OwnModel, model: Any) -> dict[int, ScoreKey]:
    """Which of the model's answers count, and for what."""
    theirs: Mapping[int, str] = model.config.id2label
    if unknown := sorted(set(own.labels) - set(theirs.values())):
        raise ModelError(
            f"{own.file}: {own.model} has no label {', '.join(unknown)}. Write into [labels] those that it has: "
            f"{', '.join(theirs.values())[:1000]}"
        )
    return {column: own.labels[label] for column, label in theirs.items() if label in own.labels}


def _usual_activation(own: OwnModel, model: Any) -> Activation:
    """As transformers' own pipeline chooses it."""
    match model.config.problem_type:
        case "multi_label_classification":
            return Activation.SIGMOID
        case "single_label_classification":
            return Activation.SOFTMAX
        case None:
            return Activation.SIGMOID if model.num_labels == 1 else Activation.SOFTMAX
        case other:
            raise ModelError(f"{own.file}: the problem type of {own.model} is {other}. Set `activation`.")


def _log_odds(logits: Sequence[float], index: int) -> float:
    """The logit of the softmax of ``logits`` at ``index``: this label against all others."""
    others = [logit for i, logit in enumerate(logits) if i != index]
    top = max(others)
    return logits[index] - top - math.log(sum(math.exp(logit - top) for logit in others))


def _longest(model: Any, tokenizer: Any) -> int:
    """How many tokens the model takes; RoBERTa's kin start to count positions after the padding's."""
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None)]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            limits.append(module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1))
    return min(limit for limit in limits if isinstance(limit, int) and limit > 0)


def _try(classifier: WindowedClassifier) -> None:
    """A short and a very long post in one batch: what does not fit together fails now, not at the first post."""
    classifier.predict_now([ClassifierInput("A post."), ClassifierInput("words without an end " * POST_TOKENS)])


def _said(error: Exception) -> str:
    """What ``error`` says, in a line, without its advice to run foreign code."""
    said = " ".join(str(error).split())
    if "trust_remote_code" in said:
        return "it needs code that comes with it, and Threadwatch runs no foreign code"
    return f"{type(error).__name__}: {said[:1000]}"
