"""The discord.py client: intents, services for the cogs, one path for errors, command sync."""

import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands
from typing_extensions import override

from bot.app import Services
from bot.errors import StoreBusy, StoreError, ThreadwatchError
from bot.shards import ShardedBot

log = logging.getLogger(__name__)

# The bot has no voice; discord.py would warn at every start of libraries for it that are missing.
discord.VoiceClient.warn_nacl = False
discord.VoiceClient.warn_dave = False

REVIEW_ONLY = discord.Permissions(274878024704)
"""View channels, send messages (in threads too), embed links, attach files, read message history."""
WITH_REMOVAL = REVIEW_ONLY | discord.Permissions(manage_messages=True)
"""The same with Manage Messages, for *Remove post*."""
NOBODY = discord.AllowedMentions.none()


def intents() -> discord.Intents:
    """The least that watching needs; Message Content is privileged and must be switched on in the portal."""
    wanted = discord.Intents.none()
    wanted.guilds = True
    wanted.guild_messages = True
    wanted.message_content = True
    return wanted


def invite_url(application_id: int, *, may_remove: bool) -> str:
    """The link that adds the bot to a server, with no permission it does not need."""
    return discord.utils.oauth_url(
        application_id,
        permissions=WITH_REMOVAL if may_remove else REVIEW_ONLY,
        scopes=("bot", "applications.commands"),
    )


class Threadwatch(ShardedBot):
    """A bot without text commands; everything it does lives in ``extensions``, named by the caller."""

    def __init__(self, services: Services, extensions: Sequence[str]) -> None:
        super().__init__(
            services.clock,
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents(),
            allowed_mentions=NOBODY,
            max_messages=1000,
        )
        self.services = services
        self._extension_names = tuple(extensions)
        self.tree.error(self._on_command_error)
        self.http.request = _told(self.http.request)  # pyright: ignore[reportAttributeAccessIssue]

    @override
    async def setup_hook(self) -> None:
        for name in self._extension_names:
            await self.load_extension(name)
        await self.tree.sync()

    @override
    async def on_ready(self) -> None:
        await super().on_ready()
        log.info("connected as %s on %d servers; stop with Ctrl-C", self.user, len(self.guilds))

    @override
    async def on_message(self, message: discord.Message, /) -> None:
        """Text commands are not a thing here; posts are the watch cog's."""

    @override
    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """A listener failed: keep it for `/status`. Arguments may hold posts and are not logged."""
        error = sys.exc_info()[1]
        self.services.health.note_error(f"{event_method} failed: {explain(error)}", error)

    async def _on_command_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError
    ) -> None:
        await self.report(interaction, error)

    async def report(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        """Tell the user what went wrong with a command or button, in private; log what is our fault."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        text = explain(cause)
        if not isinstance(cause, (ThreadwatchError, app_commands.CheckFailure)):
            self.services.health.note_error(f"an interaction failed: {text}", cause)
        try:
            if interaction.response.is_done():
                await interaction.followup.send(text, ephemeral=True)
            else:
                await interaction.response.send_message(text, ephemeral=True)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as failed:  # nobody left to tell
            self.services.health.note_error(f"a user could not be told of an error: {explain(failed)}", failed)


def _told(request: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """discord.py takes it for granted that a 429 says when to come back, and dies of a KeyError if it does not."""

    async def tell(*args: Any, **kwargs: Any) -> Any:
        try:
            return await request(*args, **kwargs)
        except KeyError as error:
            raise aiohttp.ClientError(f"Discord's answer lacks {error}") from error

    return tell


def explain(error: BaseException | None) -> str:
    """What a user is told about ``error``."""
    match error:
        case StoreBusy():  # our own text names files of whoever runs the bot
            return "My records are busy; please try again in a minute, and look at what has changed first."
        case StoreError():
            return "My records cannot be used at the moment; please tell whoever runs the bot."
        case ThreadwatchError() | app_commands.CheckFailure() | app_commands.TransformerError():
            return str(error)
        case discord.Forbidden():
            return (
                "Discord did not let me do that (403): I am missing a permission there. "
                "`/setup` lists what is missing and where."
            )
        case discord.NotFound():
            return "Discord says this does not exist any more (404). It may have been deleted meanwhile."
        case discord.HTTPException():
            return f"Discord failed to answer (HTTP {error.status}). Nothing is lost; please try again in a minute."
        case aiohttp.ClientError() | OSError():  # TimeoutError is an OSError
            return f"Discord cannot be reached ({type(error).__name__}). Nothing is lost; please try again in a minute."
        case _:
            return f"Something went wrong on my side ({type(error).__name__}). It is logged; please try again."
