import std/strutils

echo "first 42 second".split()[1]
