"""Networks one step at a time, in numpy: cells that carry their state, and what decides on the next token."""
