"""Other libraries, each in an environment of its own, held against the definitions of nextlabel."""
