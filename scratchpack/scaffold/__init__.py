"""What the user's repository gets: multi-stage Dockerfiles, the Makefile part, CI files, and ``init`` over all of them."""
