"""What a callback saves of the model that is trained."""

from collections.abc import Callable
from functools import cache

import keras

from ..runtime.compilation import CountedModel


def check_loadable(filepath) -> None:
    """Refuse the format in which Keras keeps layers, but no operations between them."""
    if str(filepath).endswith((".h5", ".hdf5")):
        raise ValueError(f"Keras could not load this model from {filepath}. Save it in a file that ends in '.keras'.")


class SavableModel(CountedModel):
    """A model whose files hold the model for users, as it is at that moment.

    The layers of the model that is trained load only where this package is, and they know standardised windows and
    targets alone. So what is saved, exported and loaded is another model, with the same layers under the same names.
    """

    def save_as(self, make_model: Callable[[], keras.Model]) -> None:
        """Set what makes the model for users. It is made when it is first needed, and once a training."""
        self._make_model_for_users = cache(make_model)

    def forget_model_for_users(self) -> None:
        """Free the memory of the model for users."""
        self._make_model_for_users.cache_clear()

    def save(self, filepath, *args, **kwargs):
        """Save the model for users."""
        check_loadable(filepath)
        self._model_for_users().save(filepath, *args, **kwargs)

    def save_weights(self, *args, **kwargs):
        """Save the weights of the model for users."""
        self._model_for_users().save_weights(*args, **kwargs)

    def export(self, *args, **kwargs):
        """Export the model for users."""
        self._model_for_users().export(*args, **kwargs)

    def load_weights(self, *args, **kwargs):
        """Load weights of a model for users."""
        model = self._model_for_users()
        model.load_weights(*args, **kwargs)
        _copy_weights(model, self)

    def get_config(self):
        """Raise an error, since a function of Keras that saves by the configuration would not save the right model."""
        raise NotImplementedError("Save the model of a callback with its own method: self.model.save(path).")

    def _model_for_users(self) -> keras.Model:
        model = self._make_model_for_users()
        _copy_weights(self, model)
        return model


def _copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of the layers that both models have."""
    names = {layer.name for layer in target.layers}
    for layer in source.layers:
        if layer.weights and layer.name in names:
            target.get_layer(layer.name).set_weights(layer.get_weights())
