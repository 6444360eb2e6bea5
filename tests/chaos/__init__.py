"""Chaos: the real bot as a process, killed and troubled while people post, and a count of what came of it."""
