"""The command line: `python -m bot --help`."""

import asyncio
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from bot.config import Settings, application_id, load_settings
from bot.errors import ConfigError, ThreadwatchError
from models.classifier import ModelError

EXTENSIONS = (
    "cogs.watch",
    "cogs.catchup",
    "cogs.review",
    "cogs.thresholds",
    "cogs.setup",
    "cogs.status",
    "cogs.retention",
)

app = typer.Typer(
    help="Threadwatch reads the discussions of a Discord server and shows the few posts worth a human look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # locals hold tokens and posts
)
errors = Console(stderr=True)

Database = Annotated[
    Path | None, typer.Option("--db", help="Database file; default: data/threadwatch.db, or THREADWATCH_DB.")
]


@app.command()
def run() -> None:
    """Start the bot with the settings in .env."""
    settings = load_settings()
    token = settings.require_token()
    from bot.login import run_bot

    start_logging(settings.log_level)
    asyncio.run(run_bot(settings, token, EXTENSIONS))


@app.command()
def invite(
    client_id: Annotated[int | None, typer.Option(help="Application id; default: taken from DISCORD_TOKEN.")] = None,
    may_remove: Annotated[
        bool, typer.Option("--may-remove", help="Ask for Manage Messages too, which the button “Remove post” needs.")
    ] = False,
) -> None:
    """Print the link that invites the bot to a server, asking for no permission it does not need."""
    from bot.client import invite_url

    chosen = client_id if client_id is not None else application_id(load_settings().require_token())
    typer.echo(invite_url(chosen, may_remove=may_remove))


@app.command()
def scan(
    file: Annotated[str, typer.Argument(help="A thread: JSON, JSONL or CSV, or - for standard input.")],
    db: Database = None,
) -> None:
    """Score a thread from a file, keep the decisions in the database, print a table. Exits with 1 on bad rows."""
    from bot.cli.scan import scan_file

    if asyncio.run(scan_file(file, _settings(db))):
        raise typer.Exit(1)


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", help="Rows with `text`, perhaps `title`, `reply_to`.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.jsonl", help="The same rows with `scores`, `thresholds`.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Print and add what each score rests on: sentence and words. Slower.")
    ] = False,
) -> None:
    """Add the model's scores to every row of a JSONL file. Exits with 1 if a row could not be read."""
    from bot.cli.score import score_file

    if asyncio.run(score_file(source, target, load_settings(), explain=explain)):
        raise typer.Exit(1)


@app.command()
def demo(
    screenshot: Annotated[
        Path | None, typer.Option(help="Write a picture of the review channel to this file and end.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the page on this machine.", min=0, max=65535)] = 8765,
) -> None:
    """Run the real bot in a simulated Discord with a sample server, in your browser."""
    try:
        from bot.demo.run import run_demo
    except ImportError as error:
        raise ThreadwatchError(f"The demo needs its extra packages ({error.name}): pip install -e '.[demo]'") from error
    asyncio.run(run_demo(load_settings(), EXTENSIONS, port=port, screenshot=screenshot))


@app.command()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask Discord about token, intent, clock.")] = False,
    db: Database = None,
) -> None:
    """Check settings, database, model and Discord; change nothing. Exits with 1 if the bot could not run."""
    from bot.cli import ask_discord
    from bot.cli.doctor import doctor as examine

    if not asyncio.run(examine(lambda: _settings(db), discord=None if offline else ask_discord.DISCORD)):
        raise typer.Exit(1)


@app.command()
def health() -> None:
    """Tell from THREADWATCH_HEARTBEAT whether the running bot is well: 0 if it is, 1 if not. For supervisors."""
    from bot.heartbeat import unhealthy

    path = load_settings().heartbeat
    if path is None:
        raise ConfigError("THREADWATCH_HEARTBEAT is not set, so the bot leaves no sign of life. Set it, and restart.")
    fault = unhealthy(path)
    typer.echo(fault or "well")
    if fault:
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make.")],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    db: Database = None,
) -> None:
    """Copy the database to FILE and prove the copy, also while the bot runs."""
    from bot.cli.backup import make_backup

    make_backup(file, _settings(db), force=force)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A copy made by `backup`.")], db: Database = None) -> None:
    """Put a backup in the place of the database, which is kept beside it. Refused while the bot runs."""
    from bot.cli.backup import restore_backup

    restore_backup(file, _settings(db))


def start_logging(level: str) -> None:
    """Log to standard error. Two libraries log what people write when they debug, so they never do."""
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.root.setLevel(level)
    for name in ("aiosqlite", "discord"):
        logging.getLogger(name).setLevel(max(logging.INFO, logging.root.level))


def _settings(db: Path | None) -> Settings:
    settings = load_settings()
    return replace(settings, database=db) if db else settings


def main() -> None:
    """Entry point: errors that a user can mend are told in a line, without a traceback."""
    try:
        app()
    except (ThreadwatchError, ModelError) as error:
        errors.print(Text.assemble(("error: ", "red"), str(error)), soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
