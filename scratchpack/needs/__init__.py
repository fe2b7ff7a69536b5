"""What a program opens later, with evidence: one need a file."""
