"""The store: one database, a repository for each kind of thing in it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.clock import Clock, system_clock
from bot.store.cards import Cards
from bot.store.database import open_database
from bot.store.decisions import Decisions
from bot.store.heat import Heat
from bot.store.history import History
from bot.store.reviews import Reviews
from bot.store.servers import Servers
from bot.store.thresholds import ThresholdTable


class Store:
    """Use ``Store.open``: an unclosed connection would keep the program from ending."""

    def __init__(
        self,
        decisions: Decisions,
        history: History,
        reviews: Reviews,
        cards: Cards,
        heat: Heat,
        servers: Servers,
        thresholds: ThresholdTable,
    ) -> None:
        self.decisions = decisions
        self.history = history
        self.reviews = reviews
        self.cards = cards
        self.heat = heat
        self.servers = servers
        self.thresholds = thresholds

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, clock: Clock = system_clock, mode: str = "rwc") -> AsyncGenerator["Store"]:
        """Open and migrate the database at ``path``; raises ``StoreError``."""
        async with open_database(path, mode=mode) as database:
            yield cls(
                Decisions(database, clock),
                History(database, clock),
                Reviews(database, clock),
                Cards(database, clock),
                Heat(database, clock),
                Servers(database, clock),
                ThresholdTable(database, clock),
            )
