"""The container engines of this machine: asked whether they are there, sent an image, asked for one, told to run one."""
