"""The part of `doctor` that asks Discord: is the token accepted, the intent switched on, the clock right?"""

import time
from collections.abc import AsyncGenerator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot import __version__
from bot.cli.finding import Finding, bad, good, warning
from bot.config import WHERE_TO_GET_ONE

DISCORD = "https://discord.com/api/v10"
SECONDS = 10
SKEW_WARNING, SKEW_BAD = 5.0, 60.0
MESSAGE_CONTENT = 1 << 18 | 1 << 19
"""The application's flags for the intent: verified, or in few enough servers to need no verification."""
SWITCH_IT_ON = (
    "Switch it on at https://discord.com/developers/applications: your application, Bot, Privileged Gateway Intents."
)


async def ask_discord(token: str, address: str) -> AsyncGenerator[Finding]:
    headers = {"Authorization": f"Bot {token}", "User-Agent": f"DiscordBot (threadwatch, {__version__})"}
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            async with session.get(f"{address}/users/@me") as answer:
                yield clock(answer.headers, time.time())
                yield await _token(answer)
                accepted = answer.ok
            if accepted:
                async with session.get(f"{address}/oauth2/applications/@me") as answer:
                    yield await _intent(answer)
    except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
        yield warning(
            f"Discord cannot be reached ({type(error).__name__}), so token, intent and clock are not all checked. "
            "Look at the network and at https://discordstatus.com; --offline leaves this out."
        )


def clock(headers: Mapping[str, str], now: float) -> Finding:
    """How far this machine's clock is from Discord's, whose `Date` has whole seconds."""
    try:
        skew = now - parsedate_to_datetime(headers["Date"]).timestamp() - 0.5
    except (KeyError, ValueError):
        return warning("clock: Discord sent no readable date; compare this machine's clock yourself")
    text = f"clock: {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Discord's"
    if abs(skew) > SKEW_BAD:
        return bad(f"{text}. The log will be wrong: switch on time synchronisation (timedatectl set-ntp true).")
    if abs(skew) > SKEW_WARNING:
        return warning(f"{text}. Switch on time synchronisation (timedatectl set-ntp true).")
    return good("clock: agrees with Discord's")


async def _token(answer: aiohttp.ClientResponse) -> Finding:
    if answer.status == 401:
        return bad(f"Discord refused the token. {WHERE_TO_GET_ONE}")
    if not answer.ok:
        return _unclear("token", answer)
    user: dict[str, Any] = await answer.json()
    return good(f"Discord accepts the token, as {user.get('username')}")


async def _intent(answer: aiohttp.ClientResponse) -> Finding:
    if not answer.ok:
        return _unclear("Message Content intent", answer)
    application: dict[str, Any] = await answer.json()
    if not int(application.get("flags") or 0) & MESSAGE_CONTENT:
        return bad(f"The Message Content intent is off: the bot would see no words. {SWITCH_IT_ON}")
    return good("the Message Content intent is on")


def _unclear(what: str, answer: aiohttp.ClientResponse) -> Finding:
    return warning(f"{what}: not known, Discord answered HTTP {answer.status}. Try again in some minutes.")
