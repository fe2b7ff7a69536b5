"""What a script needs in its image: the readers of ``scratchpack.scripts`` are asked, their findings become results like those of the needs."""
