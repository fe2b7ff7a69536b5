"""Needs that any program may have, whatever it was written in: names of hosts, users, certificates, zones, libraries opened later."""
