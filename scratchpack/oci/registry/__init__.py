"""A registry client over urllib3 that reads and writes: streams, retries within bounds, and keeps credentials at home (S21, S22).

Only ``transport`` imports urllib3, inside the run that needs it.
"""
