"""Node programs (N45): the package a script belongs to, what its modules require, and the packages that travel with it."""
