"""What an ELF file says of itself: facts from program headers, evidence from the same bounded bytes."""
