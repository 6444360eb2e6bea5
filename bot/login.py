"""Logging in to Discord, and saying what to do when that fails."""

import asyncio
import gc
import logging
import math
import signal
from collections.abc import Sequence

import aiohttp
import discord

from bot.app import running
from bot.client import Threadwatch
from bot.config import WHERE_TO_GET_ONE, Settings
from bot.errors import ConfigError, LoginFailed, ThreadwatchError
from bot.heartbeat import beating

log = logging.getLogger(__name__)


async def run_bot(settings: Settings, token: str, extensions: Sequence[str]) -> None:
    """Run until the process is told to stop; SIGTERM and Ctrl-C close the connection and drain the queue.

    When the bot gives itself up (``Health.give_up``) it stops in the same way, and ``ThreadwatchError`` says why.
    """
    async with (
        running(settings) as services,
        Threadwatch(services, extensions) as bot,
        beating(settings.heartbeat, services, lambda: is_connected(bot), bot.away),
    ):
        gc.freeze()  # what is loaded by now stays: looking through it for garbage would hold up the event loop
        task = asyncio.create_task(bot.start(token))
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, task.cancel)
        ending = asyncio.create_task(services.health.ending.wait(), name="ending")
        ending.add_done_callback(lambda _: task.cancel())
        log.info("model %s, database %s", services.model.version, settings.database)
        try:
            await task
        except asyncio.CancelledError:
            log.info("stopping")
            if services.health.given_up:
                raise ThreadwatchError(services.health.given_up) from None
        except discord.LoginFailure as error:
            raise ConfigError(f"Discord refused the token. {WHERE_TO_GET_ONE}") from error
        except discord.PrivilegedIntentsRequired as error:
            raise ConfigError(
                "Discord refused the Message Content intent. Switch it on at "
                "https://discord.com/developers/applications: your application, then Bot, then "
                "Privileged Gateway Intents, then Message Content Intent; save, and start again."
            ) from error
        except (discord.HTTPException, discord.GatewayNotFound, discord.ConnectionClosed) as error:
            raise LoginFailed(
                f"Discord does not let the bot in ({error}). Look at https://discordstatus.com and try again later."
            ) from error
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise LoginFailed(f"Discord cannot be reached ({error}). Check the network, then start again.") from error
        finally:
            ending.cancel()


def is_connected(bot: Threadwatch) -> bool:
    """Whether the gateway delivers, to each shard but for those that were lost a moment ago.

    `is_ready` stays true through a lost connection, so the sockets are asked too. discord.py closes a socket when
    Discord has not answered its heartbeats for a minute.
    """
    delivers = any(not shard.is_closed() and math.isfinite(shard.latency) for shard in bot.shards.values())
    return bot.is_ready() and delivers and not bot.away()
