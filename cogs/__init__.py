"""What Discord's users touch. Each cog is an extension of its own; none imports another."""
