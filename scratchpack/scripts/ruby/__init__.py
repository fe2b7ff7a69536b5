"""Ruby scripts (N46): what they require, in the interpreter's load path and among the gems."""
