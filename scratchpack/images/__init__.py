"""An image that exists already: found by what a person wrote, held against its own claims and ours, read for what it would start."""
