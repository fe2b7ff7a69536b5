"""``slim``: an image that exists becomes the one that ``pack`` would have made of what it starts."""
