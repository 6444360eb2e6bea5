"""What an installation is made of: locks that match, and files in `deploy/` and `docs/` that name what exists."""

import re
import shlex
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.__main__ import app as command_line
from bot.config import ENVIRONMENT
from bot.intake import DRAIN_SECONDS

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.txt", "requirements-cpu.txt", "requirements-dev.txt"]
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


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", declared()),
        ("requirements-cpu.txt", {name: pin for name, pin in declared().items() if name != "torch"}),
        ("requirements-dev.txt", declared("dev", "demo", "train")),
    ],
    ids=LOCKS,
)
def test_the_locks_hold_what_the_project_declares(lock: str, wanted: dict[str, set[str]]) -> None:
    pinned = locked(lock)
    assert {name: pinned.get(name) for name in wanted} == wanted, "run make lock"


def test_the_locks_agree() -> None:
    run = locked("requirements.txt")
    assert run.items() <= locked("requirements-dev.txt").items()
    assert locked("requirements-cpu.txt") == {name: pin for name, pin in run.items() if not GPU.fullmatch(name)}


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
