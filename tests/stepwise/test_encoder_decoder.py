import keras
import numpy as np
import pytest
from scipy.special import softmax

from sklstm import _engine  # noqa: F401  # before Keras, since it chooses the backend
from sklstm._engine.networks.builders import initial_weights, keras_inputs, network_outputs
from sklstm._engine.networks.recurrent import BuildOptions
from sklstm._engine.networks.variables import assign_variables, weight_variables
from sklstm._specs import PREVIOUS, WINDOWS, InputSpec, NetworkSpec
from sklstm._stepwise.encoder_decoder import EncoderDecoder

NAN = np.nan
READ = np.array([[1, 2, 3, 5], [4, 5, NAN, NAN], [5, NAN, NAN, NAN]])
WRITTEN = np.array([[4, 1, 2], [4, 3, 3], [4, 0, 1]])


def make_spec(units=(6, 5), cell="lstm", bidirectional=True, attention=True):
    inputs = InputSpec(WINDOWS, (None, 1), 6), InputSpec(PREVIOUS, (None, 1), 5)
    return NetworkSpec(
        inputs, 5, units, "encoder_decoder", cell, bidirectional, "none", embedding_dim=3, attention=attention
    )


def random_weights(spec):
    rng = np.random.default_rng(0)
    return [rng.normal(size=array.shape).astype(np.float32) for array in initial_weights(spec, rng)]


def logits_by_step(network, read, written):
    encoded, states = network.encode(np.nan_to_num(read).astype(int), ~np.isnan(read))
    for t in range(written.shape[1]):
        logits, states, weights = network.step(written[:, [t]], states, encoded)
        yield logits[:, 0], weights


@pytest.mark.backend
@pytest.mark.parametrize(
    ("settings", "exported"),
    [
        ({}, False),
        ({}, True),
        ({"cell": "gru", "units": (3, 4)}, True),
        ({"bidirectional": False, "units": (4,)}, False),
        ({"attention": False}, False),
    ],
    ids=str,
)
def test_steps_are_those_of_the_network_that_is_trained(settings, exported):
    spec = make_spec(**settings)
    weights = random_weights(spec)
    inputs = keras_inputs(spec)
    model = keras.Model(inputs, network_outputs(spec, inputs, BuildOptions("anywhere", exported=exported)))
    assert [tuple(variable.shape) for variable in weight_variables(model)] == [array.shape for array in weights]
    assign_variables(weight_variables(model), weights)
    batch = {WINDOWS: READ[:, :, np.newaxis], PREVIOUS: WRITTEN[:, :, np.newaxis].astype(float)}
    expected = keras.ops.convert_to_numpy(model(batch))
    found = np.stack([logits for logits, _ in logits_by_step(EncoderDecoder(spec, weights), READ, WRITTEN)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_step_of_attention_by_its_equations():
    spec = make_spec(units=(4,), bidirectional=False)
    weights = random_weights(spec)
    network = EncoderDecoder(spec, weights)
    embedding, encoder = weights[0], weights[1:4]
    keys, (bridge_h, bias_h), (bridge_c, bias_c) = weights[4], weights[5:7], weights[7:9]
    embedding_out, decoder, (combine, bias), (output, output_bias) = (
        weights[9],
        weights[10:13],
        weights[13:15],
        weights[15:],
    )

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def cell(arrays, x, h, c):
        kernel, recurrent, b = arrays
        i, f, g, o = np.split(x @ kernel + h @ recurrent + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    h, c, read = np.zeros(4), np.zeros(4), []
    for token in READ[0].astype(int):
        h, c = cell(encoder, embedding[token], h, c)
        read.append(h)
    h, c = np.tanh(h @ bridge_h + bias_h), np.tanh(c @ bridge_c + bias_c)
    for t, (logits, attention) in enumerate(logits_by_step(network, READ[:1], WRITTEN[:1])):
        h, c = cell(decoder, embedding_out[WRITTEN[0, t]], h, c)
        scores = np.array([h @ (state @ keys) for state in read])  # equation 8 of Luong et al. (2015), "general"
        alignment = softmax(scores)  # equation 7
        context = alignment @ np.array(read)
        attentional = np.tanh(np.concatenate([context, h]) @ combine + bias)  # equation 5
        np.testing.assert_allclose(attention[0, 0], alignment, rtol=1e-5)
        np.testing.assert_allclose(logits[0], attentional @ output + output_bias, rtol=1e-5)


def test_beams_are_computed_alike():
    spec = make_spec()
    network = EncoderDecoder(spec, random_weights(spec))
    encoded, states = network.encode(np.nan_to_num(READ).astype(int), ~np.isnan(READ))
    one, _, _ = network.step(WRITTEN[:, :1], states, encoded)
    doubled = [tuple(np.repeat(array, 2, axis=1) for array in layer) for layer in states]
    two, _, _ = network.step(np.repeat(WRITTEN[:, :1], 2, axis=1), doubled, encoded)
    np.testing.assert_allclose(two, np.repeat(one, 2, axis=1), rtol=1e-12)
