## Greets through a table, so that Nim's own runtime has something to do.
import std/tables

let words = {"nim": "hello from Nim"}.toTable
echo words["nim"]
