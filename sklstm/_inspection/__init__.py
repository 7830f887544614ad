"""What goes on inside fitted networks."""
