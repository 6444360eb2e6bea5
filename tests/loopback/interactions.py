"""Buttons pressed and commands typed, and what the bot answered."""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from tests.loopback import wire
from tests.loopback.model import Channel, Member, Message
from tests.loopback.wire import JSON
from tests.loopback.world import World

COMMAND, COMPONENT = 2, 3
BUTTON = 2
EPHEMERAL = 1 << 6
ACKNOWLEDGE_MS = 3000


class Interaction:
    """``callback`` is how the bot acknowledged it; ``replies`` are its messages to the user, in order."""

    def __init__(self, world: World, kind: int, member: Member, channel: Channel, pressed: Message | None) -> None:
        self.id = world.new_id()
        self.token = secrets.token_urlsafe(24)
        self.kind = kind
        self.member = member
        self.channel = channel
        self.pressed = pressed
        self.began_at = world.clock()
        self.callback: JSON | None = None
        self.original: Message | None = None
        self.replies: list[Message] = []
        self._world = world

    async def acknowledged(self) -> JSON:
        """The bot's callback; fails if it comes too late for Discord."""
        missing = f"an acknowledgement of interaction {self.id}"
        await self._world.changes.until(lambda: self.callback, missing, ACKNOWLEDGE_MS / 1000)
        assert self.callback is not None
        return self.callback

    async def replied(self, text: str) -> Message:
        """The message to the user that holds ``text``, now or after the next edits and follow-ups."""
        found = list[Message]()
        await self._world.changes.until(
            lambda: found.extend(each for each in self.replies if text in each.text) or found,
            f"a reply to interaction {self.id} with {text!r}; there are {[each.text for each in self.replies]}",
        )
        return found[0]


class Interactions:
    def __init__(self, world: World) -> None:
        self.world = world
        self.commands: dict[str, JSON] = {}
        self._by_token: dict[str, Interaction] = {}

    def register(self, commands: Sequence[JSON]) -> list[JSON]:
        """Replace the application's commands; returns them as Discord keeps them."""
        application = str(self.world.bot_id)
        fixed = {"application_id": application, "version": "1", "type": 1, "description": ""}
        self.commands = {each["name"]: {**fixed, **each, "id": str(self.world.new_id())} for each in commands}
        return list(self.commands.values())

    def click(self, message: Message, custom_id: str, member: Member) -> Interaction:
        """Press a button that ``message`` shows."""
        shown = [each for each in walk(message.extra.get("components", [])) if each.get("custom_id") == custom_id]
        assert shown, f"message {message.id} has no button {custom_id!r}"
        interaction = self._begin(COMPONENT, member, self.world.channel_of(message), message)
        sent = wire.message(message, self.world.replied_to(message))
        self._send(interaction, {"custom_id": custom_id, "component_type": BUTTON, "id": 1}, message=sent)
        return interaction

    def slash(
        self, name: str, member: Member, channel: Channel, *, options: Sequence[JSON] = (), resolved: JSON | None = None
    ) -> Interaction:
        """Type a command; ``options`` and ``resolved`` as they go over the wire."""
        command = self.commands[name]
        interaction = self._begin(COMMAND, member, channel, None)
        data = {"id": command["id"], "name": name, "type": 1, "options": list(options), "resolved": resolved or {}}
        self._send(interaction, data)
        return interaction

    def find(self, token: str) -> Interaction | None:
        return self._by_token.get(token)

    def _begin(self, kind: int, member: Member, channel: Channel, pressed: Message | None) -> Interaction:
        interaction = Interaction(self.world, kind, member, channel, pressed)
        self._by_token[interaction.token] = interaction
        return interaction

    def _send(self, interaction: Interaction, data: JSON, **extra: Any) -> None:
        guild, channel = self.world.guild_of(interaction.channel), interaction.channel
        payload = {
            "id": str(interaction.id),
            "application_id": str(self.world.bot_id),
            "type": interaction.kind,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": "en-US", "features": []},
            "channel_id": str(channel.id),
            "channel": wire.channel(channel),
            "member": wire.interaction_member(guild, interaction.member, channel),
            "app_permissions": str(self.world.my_permissions(channel)),
            "locale": "en-US",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(guild.id)},
            "context": 0,
            "attachment_size_limit": 10_485_760,
            **extra,
        }
        self.world.tell("INTERACTION_CREATE", payload)


def walk(components: Sequence[JSON]) -> Iterator[JSON]:
    """All components, those inside others too."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        if accessory := component.get("accessory"):
            yield from walk([accessory])


def text_of(message: Message) -> str:
    """All that a reader sees written on ``message``."""
    parts = [each["content"] for each in walk(message.extra.get("components", [])) if "content" in each]
    return "\n".join([message.text, *parts] if message.text else parts)
