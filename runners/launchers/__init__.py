"""Where runs execute: in this process one after the other, or in a local pool."""
