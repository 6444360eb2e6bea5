"""The bot and its image without PyTorch: our weights run on ONNX Runtime; what needs torch says what to install."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.config import ENVIRONMENT, Settings
from models.classifier import Runtime
from tests.support.doctor import Discord, examiner, sound_settings
from tests.test_deploy import LOCKS, declared, text

ROOT = Path(__file__).parent.parent
EXTRAS = ["torch", "transformers", "huggingface_hub", "safetensors", "onnx", "sklearn", "matplotlib", "simcord"]
WITHOUT_EXTRAS = """
import asyncio, importlib, json, pkgutil, sys
from pathlib import Path
import bot, cogs
from bot.__main__ import EXTENSIONS

for package in (bot, cogs):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.startswith(("bot.demo", "bot.__main__")):
            importlib.import_module(module.name)
assert {"bot.login", "bot.cli.scan", "cogs.review.card", *EXTENSIONS} <= set(sys.modules)

from bot.app import load_classifier
from bot.config import Settings
from models import loading
from models.classifier import ClassifierInput, ModelError, Runtime

settings = Settings()
classifier = asyncio.run(load_classifier(settings))
scores = asyncio.run(classifier.predict([ClassifierInput("You are an idiot."), ClassifierInput("The council met.")]))
imported = sorted(set(sys.modules) & set(EXTRAS))

sys.modules.update(dict.fromkeys(EXTRAS))  # from here on, importing one fails as if it were not there


def refusal(path, runtime):
    try:
        loading.load_classifier(path, runtime)
    except ModelError as error:
        return str(error)


told = {
    "ours on torch": refusal(settings.model, Runtime.TORCH),
    "foreign": refusal(Path("my.toml"), Runtime.AUTO),
    "foreign on torch": refusal(Path("my.toml"), Runtime.TORCH),
}
loading._shows_gpu = lambda: True
on_gpu_machine = loading.load_classifier(settings.model)
print(json.dumps({
    "imported": imported,
    "scores": [prediction.scores for prediction in scores],
    "told": told,
    "versions": [classifier.info.version, on_gpu_machine.info.version],
    "unused": {runtime: loading.unused_gpu(settings.model, runtime) for runtime in Runtime},
}))
"""


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """A process of its own: this one has torch, and has imported it. No GPU is shown until the script shows one."""
    environment = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    no_gpu = "from models import loading; loading._shows_gpu = lambda: False\n"
    script = f"EXTRAS = {EXTRAS}\n{no_gpu}{WITHOUT_EXTRAS}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_bot_imports_and_scores_without_any_extra(found: dict[str, Any]) -> None:
    assert found["imported"] == []
    rude, plain = found["scores"]
    assert rude["insult"] > 0.5 > plain["insult"]


@pytest.mark.parametrize(
    ("case", "what"),
    [
        ("ours on torch", "THREADWATCH_RUNTIME=torch needs"),
        ("foreign", "my.toml: a model that is not ours needs"),
        ("foreign on torch", "my.toml: a model that is not ours needs"),
    ],
)
def test_what_needs_torch_says_in_a_line_how_to_install_it(found: dict[str, Any], case: str, what: str) -> None:
    told = found["told"][case]
    assert told.startswith(what) and "pip install -e '.[torch]'" in told and "\n" not in told
    assert "## Bring your own model" in text("README.md"), "where it leads"


def test_a_gpu_without_torch_changes_nothing_but_is_told(found: dict[str, Any]) -> None:
    ours, on_gpu_machine = found["versions"]
    assert ours == on_gpu_machine and ours.endswith("+int8")
    unused = found["unused"]
    assert "pip install -e '.[torch]'" in unused[Runtime.AUTO]
    assert unused[Runtime.ONNX] is None and unused[Runtime.TORCH] is None, "who chose knows"


@pytest.mark.parametrize(
    ("model", "runtime", "told"),
    [
        ("weights", Runtime.AUTO, "⚠ model: computed by ONNX Runtime, on the processor. There is a GPU, but"),
        ("weights", Runtime.ONNX, "✓ model: computed by ONNX Runtime, on the processor\n"),
        ("weights", Runtime.TORCH, "✓ model: computed by PyTorch, on the GPU if it can use one\n"),
        ("own.toml", Runtime.AUTO, "✓ model: computed by PyTorch, on the GPU if it can use one\n"),
    ],
)
async def test_doctor_says_what_computes_and_whether_a_gpu_is_left_idle(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: str,
    runtime: Runtime,
    told: str,
) -> None:
    monkeypatch.setattr("models.loading._shows_gpu", lambda: True)
    monkeypatch.setattr("models.loading._has_gpu", lambda: False)
    sound = sound_settings(settings, tmp_path, monkeypatch)
    chosen = replace(sound, model=tmp_path / model, runtime=runtime)
    well, out = await examiner(Discord(), capsys)(chosen, online=False)
    assert well and told in out


def install_as_the_image_does(folder: Path, torch: str) -> tuple[int, str, list[str]]:
    """The Dockerfile's own script, with a pip that only tells: its end, what it would install, how it was called."""
    for lock in (ROOT / "deploy/without-torch.awk", *map(ROOT.joinpath, LOCKS)):
        shutil.copy(lock, folder)
    (script,) = re.findall(r"^RUN (set -eu;(?:.*\\\n)+.*)", text("deploy/Dockerfile"), re.MULTILINE)
    script = 'pip() { echo "$*" >> called; }\n' + script.replace("/venv/bin/pip", "pip")
    ended = subprocess.run(["/bin/sh", "-c", script], cwd=folder, env={**os.environ, "TORCH": torch}, check=False)
    chosen, called = folder / "chosen.txt", folder / "called"
    return (
        ended.returncode,
        chosen.read_text() if chosen.exists() else "",
        called.read_text().splitlines() if called.exists() else [],
    )


def test_the_image_has_torch_only_if_asked_for(tmp_path: Path) -> None:
    (default,) = re.findall(r"^ARG TORCH=(\w+)$", text("deploy/Dockerfile"), re.MULTILINE)
    assert yaml.safe_load(text("deploy/compose.yaml"))["services"]["bot"]["build"]["args"] == {
        "TORCH": f"${{TORCH:-{default}}}"
    }
    locked_only = ["install --require-hashes -r chosen.txt", "check"]
    assert install_as_the_image_does(tmp_path, default) == (0, text("requirements.txt"), locked_only)
    assert install_as_the_image_does(tmp_path, "gpu")[:2] == (0, text("requirements-torch.txt"))


def test_the_image_has_torch_for_processors_if_asked_for(tmp_path: Path) -> None:
    end, chosen, (locked_part, torch, check) = install_as_the_image_does(tmp_path, "cpu")
    assert (end, locked_part, check) == (0, "install --require-hashes -r chosen.txt", "check")
    assert "\ntransformers==" in chosen and "\ntorch==" not in chosen and "\nnvidia-" not in chosen
    (version,) = declared("torch")["torch"]
    assert torch.endswith(f"/cpu torch=={version}") and "--no-deps" in torch


def test_the_image_is_not_built_with_a_torch_that_is_none_of_them(tmp_path: Path) -> None:
    assert install_as_the_image_does(tmp_path, "locked") == (2, "", [])
