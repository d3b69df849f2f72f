"""The layers that a program reads besides the file that is bound."""
