"""Running what was packed, or what is to be packed: the only steps of the pipeline that execute anything of the input (S1, W30)."""
