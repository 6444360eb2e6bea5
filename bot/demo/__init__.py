"""The real bot in a simulated Discord (simcord), with a sample server to look at and click in."""
