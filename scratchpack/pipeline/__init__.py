"""The only room that knows the whole order: locate, resolve, examine needs, place, check again, build, write."""
