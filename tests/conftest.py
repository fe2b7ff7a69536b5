"""The plugins of the whole suite."""

pytest_plugins = ["tests.support.engines"]
