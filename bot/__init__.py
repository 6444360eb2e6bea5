"""The application: settings, policy, pipeline, store, command line. Only `client`, `login`, `demo` know Discord."""

__version__ = "0.1.0"
