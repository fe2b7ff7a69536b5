"""Python scripts (N44): what they import, in the environment that their interpreter has."""
