"""A server to live in: a news forum, a chat, a hidden review channel, a channel that the bot does not see."""

from pathlib import Path

from bot.domain import ServerSettings
from bot.store import Store
from tests.loopback.interactions import text_of
from tests.loopback.model import Message
from tests.loopback.permissions import MANAGE_MESSAGES
from tests.loopback.world import World


class Town:
    """alice and bob talk, mod moderates."""

    def __init__(self, world: World, shard_id: int = 0) -> None:
        self.world = world
        self.guild = guild = world.create_guild("Town", shard_id=shard_id)
        everyone, me = guild.roles[guild.id], world.me(guild)
        self.mods = world.create_role(guild, "Mods", MANAGE_MESSAGES)
        self.forum = world.create_forum(guild, "news")
        self.chat = world.create_channel(guild, "chat")
        self.review = world.create_channel(guild, "review", hidden_from=[everyone], shown_to=[self.mods, me])
        self.hidden = world.create_channel(guild, "staff", hidden_from=[me])
        self.alice = world.add_member(guild, "alice", nick="Alice")
        self.bob = world.add_member(guild, "bob")
        self.mod = world.add_member(guild, "mod", self.mods)

    async def set_up(self, database: Path) -> None:
        """As `/setup` would leave it: forum, chat and hidden channel watched, reviews in the review channel."""
        watched = [self.forum.id, self.chat.id, self.hidden.id]
        async with Store.open(database, clock=self.world.clock) as store:
            await store.servers.save(ServerSettings(self.guild.id, self.review.id))
            await store.servers.watch(self.guild.id, watched, self.mod.id)

    def flagged(self, text: str) -> Message:
        """A post by somebody new in a thread of its own: neither a flood by one member nor a thread boiling over."""
        stranger = self.world.add_member(self.guild, "stranger")
        thread = self.world.forum_post(self.forum, stranger, "Question time", text)
        (starter,) = thread.history
        return starter

    def cards(self, quoting: str = "") -> list[Message]:
        """The messages in the review channel whose text holds ``quoting``."""
        return [message for message in self.review.history if quoting in text_of(message)]

    async def card(self, quoting: str, seconds: float = 10) -> Message:
        """The one card that quotes ``quoting``, once it is there."""
        await self.world.changes.until(lambda: self.cards(quoting), f"a card that quotes {quoting!r}", seconds)
        (card,) = self.cards(quoting)
        return card
