"""One command a module; each function is the command, its docstring the help."""
