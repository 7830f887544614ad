"""Runtime: the choice of the Keras backend, compilation, precision, and threads."""
