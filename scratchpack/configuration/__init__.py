"""Configuration as evidence (N49): texts, argument lists and variables go in; the files and accounts that they name come out."""
