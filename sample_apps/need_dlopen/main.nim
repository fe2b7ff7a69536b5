import std/re # libpcre, opened by a pattern of names before the first line runs

echo "first 42 second".findAll(re"\d+")[0]
