"""What the bot can take, measured; each module is a command that prints its figures."""
