"""Failures that a person can do something about: each message says what happened and what to do."""


class ThreadwatchError(Exception):
    """Base of our errors. Its text is safe to show: no secrets, no posts."""


class ConfigError(ThreadwatchError):
    """The settings are wrong or incomplete."""


class InputError(ThreadwatchError):
    """A file given on the command line, or a value given by a user, cannot be used."""


class IntakeFull(ThreadwatchError):
    """More posts are waiting than the queue may hold; the post stays behind its channel's cursor."""


class LoginFailed(ThreadwatchError):
    """Discord cannot be reached, or does not let the bot in for now."""


class StoreError(ThreadwatchError):
    """The database cannot be used."""


class StoreBusy(StoreError):
    """The database is locked or full for now: worth trying again."""


class ScoringFailed(ThreadwatchError):
    """The classifier could not score a post."""
