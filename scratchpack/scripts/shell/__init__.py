"""Shell scripts (N43): the commands they run, the files they source, the places where nobody can say."""
