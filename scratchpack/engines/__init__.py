"""The container engines of this machine: asked whether they answer, sent an image, asked for one, started with one."""
