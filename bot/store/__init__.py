"""Everything that is kept, in SQLite. The only package that knows SQL."""

from bot.store.store import Store

__all__ = ["Store"]
