"""Small real programs with what is expected of them: run by the demo, the benchmark and tests/e2e/test_sample_apps.py."""
