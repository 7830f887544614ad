"""Networks: recurrent cells, builders, the output layer, losses and optimizers, and export to Keras."""
