"""Runtime: the choice of the Keras backend, compilation, and threads."""
