"""Self-unpacking programs (N48): recognised by their own marks, their tables read where these are documented."""
