"""What a callback saves of the model that is trained."""

from collections.abc import Callable
from functools import cache

import keras

from ..networks.export import Exported
from ..networks.variables import assign_variables, read_variables, weight_variables
from ..runtime.compilation import CountedModel


def check_loadable(filepath) -> None:
    """Refuse the format in which Keras keeps layers, but no operations between them."""
    if str(filepath).endswith((".h5", ".hdf5")):
        raise ValueError(f"Keras could not load this model from {filepath}. Save it in a file that ends in '.keras'.")


class SavableModel(CountedModel):
    """A model whose files hold the model for users, as it is at that moment.

    The layers of the model that is trained load only where this package is, and they know standardised windows and
    targets alone. So what is saved, exported and loaded is another model, with variables of the same weights.
    """

    def save_as(self, export: Callable[[], Exported]) -> None:
        """Set what makes the model for users. It is made when it is first needed, and once a training."""
        self._export = cache(export)

    def forget_model_for_users(self) -> None:
        """Free the memory of the model for users."""
        self._export.cache_clear()

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
        self._model_for_users().load_weights(*args, **kwargs)
        _, (variables,) = self._export()
        assign_variables(weight_variables(self), read_variables(variables))

    def get_config(self):
        """Raise an error, since a function of Keras that saves by the configuration would not save the right model."""
        raise NotImplementedError("Save the model of a callback with its own method: self.model.save(path).")

    def _model_for_users(self) -> keras.Model:
        model, (variables,) = self._export()
        assign_variables(variables, read_variables(weight_variables(self)))
        return model
