"""The application: configuration, policy, pipeline, store and command line. Only `client` and `demo` know Discord."""

__version__ = "0.1.0"
