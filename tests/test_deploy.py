"""What an installation is made of: locks that match, and files in `deploy/` and `docs/` that name what exists."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.__main__ import app as command_line
from bot.config import ENVIRONMENT
from bot.intake import DRAIN_SECONDS

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.txt", "requirements-torch.txt", "requirements-dev.txt"]
GPU = re.compile(r"(torch|triton|cuda-.*|nvidia-.*)")
COMMANDS = {
    command.name or command.callback.__name__ for command in command_line.registered_commands if command.callback
}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, set[str]]:
    """Versions of each package; there are several where platforms differ."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9-]+)==([^ ;]+)", text(name), re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def declared(*extras: str) -> dict[str, set[str]]:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    pins = [re.fullmatch(r"([\w.-]+)(?:\[\w+\])?==([\w.]+)", line) for line in wanted if "threadwatch[" not in line]
    assert all(pins), "every dependency is pinned"
    return {canonical(pin[1]): {pin[2]} for pin in pins if pin}


def entries(lock: str) -> list[str]:
    """What a lock says of each package, hashes included."""
    return [block.strip() for block in re.split(r"\n(?=[a-z])", lock)[1:]]


def imports(file: Path) -> set[str]:
    """The packages of others that ``file`` imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"bot", "cogs", "models"}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", declared()),
        ("requirements-torch.txt", declared("torch")),
        ("requirements-dev.txt", declared("dev", "bench", "demo", "torch", "train")),
    ],
    ids=LOCKS,
)
def test_the_locks_hold_what_the_project_declares(lock: str, wanted: dict[str, set[str]]) -> None:
    pinned = locked(lock)
    assert {name: pinned.get(name) for name in wanted} == wanted, "run make lock"


def test_the_locks_agree() -> None:
    run, torch, everything = (locked(lock).items() for lock in LOCKS)
    assert run < torch < everything


def test_running_needs_neither_torch_nor_what_comes_with_it() -> None:
    assert {name for name in locked("requirements.txt") if GPU.fullmatch(name)} == set()
    assert not {"transformers", "safetensors"} & locked("requirements.txt").keys()


def test_without_torch_the_lock_keeps_all_else_with_its_hashes() -> None:
    command = ["awk", "-f", ROOT / "deploy" / "without-torch.awk", ROOT / "requirements-torch.txt"]
    kept = entries(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    whole = entries(text("requirements-torch.txt"))
    assert kept == [entry for entry in whole if not GPU.fullmatch(entry.split("==")[0])]
    assert "torch" in locked("requirements-torch.txt") and len(kept) < len(whole)


@pytest.mark.parametrize(
    ("files", "extras"),
    [
        ("bot/*.py", []),
        ("bot/cli/*.py", []),
        ("bot/store/*.py", []),
        ("bot/demo/*.py", ["demo"]),
        ("cogs/**/*.py", []),
        ("models/*.py", ["torch"]),
        ("models/train/*.py", ["torch", "train"]),
        ("models/evaluate/*.py", ["torch", "train"]),
    ],
)
def test_every_package_that_is_imported_is_declared(files: str, extras: list[str]) -> None:
    """Not only there because another package needs it."""
    imported = {name for file in ROOT.glob(files) for name in imports(file)}
    assert imported
    distributions = packages_distributions()
    assert {name for name in imported if not declared(*extras).keys() & map(canonical, distributions[name])} == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_hashes_and_no_address(lock: str) -> None:
    content = text(lock)
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", content, flags=re.MULTILINE).strip())
    assert len(blocks) > 40
    whole = re.compile(r"[a-z0-9-]+==\S+(?: ; [^\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+")
    assert [block.split("\n")[0] for block in blocks if not whole.fullmatch(block)] == []
    assert "://" not in content and "index" not in content


def unit() -> ConfigParser:
    class Repeated(dict[str, Any]):
        """A key may stand more than once, as `Environment` does."""

        def __setitem__(self, key: str, value: Any) -> None:
            if isinstance(value, list) and key in self:
                self[key].extend(value)
            else:
                super().__setitem__(key, value)

    parser = ConfigParser(dict_type=Repeated, strict=False, interpolation=None)
    parser.optionxform = str  # systemd's keys have capitals
    parser.read_string(text("deploy/threadwatch.service"))
    return parser


def test_the_unit_is_closed_and_stops_gently() -> None:
    service = unit()["Service"]
    assert service["User"] not in ("", "root") and service["ProtectSystem"] == "strict"
    assert service["NoNewPrivileges"] == "yes" and service["CapabilityBoundingSet"] == ""
    assert service["Restart"] == "on-failure" and int(service["RestartSec"]) >= 5
    assert service["KillSignal"] == "SIGTERM" and int(service["TimeoutStopSec"]) > DRAIN_SECONDS
    assert service["ExecStart"].endswith("-m bot run")
    assert service["EnvironmentFile"] == "/etc/threadwatch.env"
    assert "TOKEN" not in text("deploy/threadwatch.service")


@pytest.mark.parametrize("file", [f"deploy/{name}" for name in ("threadwatch.service", "Dockerfile", "compose.yaml")])
def test_deployment_sets_settings_that_exist_and_both_paths(file: str) -> None:
    named = set(re.findall(r"THREADWATCH_[A-Z_]+(?=[=:])", text(file)))
    assert {"THREADWATCH_DB", "THREADWATCH_HEARTBEAT"} <= named <= set(ENVIRONMENT)


def test_the_image_is_made_of_files_that_exist_and_never_of_secrets() -> None:
    docker = text("deploy/Dockerfile")
    copied = [part for line in re.findall(r"^COPY (?!--)(.+)$", docker, re.MULTILINE) for part in line.split()[:-1]]
    assert {"requirements.txt", "bot", "cogs", "models"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    let_in = {line[1:] for line in text("deploy/Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert let_in == set(copied), "nothing else is sent to the builder"
    assert "\nUSER threadwatch\n" in docker and "--require-hashes" in docker
    assert 'CMD ["python", "-m", "bot", "health"]' in docker


def test_the_container_is_closed_and_stops_gently() -> None:
    services = yaml.safe_load(text("deploy/compose.yaml"))["services"]
    for service in services.values():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"] and service["restart"] == "unless-stopped"
        assert "data:/data" in service["volumes"]
    bot = services["bot"]
    assert int(bot["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS
    assert (ROOT / "deploy" / bot["build"]["context"] / bot["build"]["dockerfile"]).is_file()
    assert bot["environment"]["THREADWATCH_DB"].startswith("/data/")
    assert any(bot["environment"]["THREADWATCH_HEARTBEAT"].startswith(mount.split(":")[0]) for mount in bot["tmpfs"])


def test_litestream_copies_the_database_and_forgets_in_time() -> None:
    (database,) = yaml.safe_load(text("deploy/litestream.yml"))["dbs"]
    (replica,) = database["replicas"]
    assert database["path"] == "${THREADWATCH_DB}" and replica["type"] == "s3"
    assert int(replica["retention"].removesuffix("h")) <= 30 * 24
    assert set(re.findall(r"\$\{(\w+)\}", str(database))) <= set(
        re.findall(r"\w+", text("deploy/litestream.yml").split("dbs:")[0])
    )


@pytest.mark.parametrize("file", ["docs/operations.md", "README.md", "deploy/Dockerfile", "deploy/threadwatch.service"])
def test_every_command_that_is_told_exists(file: str) -> None:
    told = set(re.findall(r"(?:-m bot|^tw) ([a-z]+)", text(file), re.MULTILINE))
    assert told <= COMMANDS
    if file.endswith(".md"):
        assert {"doctor", "health", "backup", "restore"} <= told


def test_files_that_the_manual_points_at_exist() -> None:
    manual = text("docs/operations.md")
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", manual)
    assert targets and [target for target in targets if not (ROOT / "docs" / target).exists()] == []
    named = [word for line in manual.splitlines() if "deploy/" in line for word in shlex.split(line.replace("'", ""))]
    files = {word.strip("`;,()") for word in named if word.startswith("deploy/")}
    assert files and [file for file in files if not (ROOT / file).exists()] == []
    for target in ("lock", "audit"):
        assert f"\n{target}:" in text("Makefile") and f"make {target}" in text("CONTRIBUTING.md")
