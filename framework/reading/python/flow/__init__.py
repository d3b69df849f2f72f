"""Which of the values of a program counts: what its calls pass, and what its statements set after one another."""
