"""What tests share: compilers, tools of the machine, running the command line."""
