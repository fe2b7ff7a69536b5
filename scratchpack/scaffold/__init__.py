"""A language, or a repository to look at, goes in; the text of its Dockerfile, Makefile part and CI files comes out, and ``init`` writes them."""
