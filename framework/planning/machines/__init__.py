"""The machine that a step runs on, and the shares of a plan that several machines take."""
