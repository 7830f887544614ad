"""The network in PyTorch, in a module that every process of a grid search can import."""

import torch


class LSTMNetwork(torch.nn.Module):
    def __init__(self, n_features, units):
        super().__init__()
        self.lstm = torch.nn.LSTM(n_features, units, batch_first=True)
        self.linear = torch.nn.Linear(units, 1)

    def forward(self, windows):
        hidden, _ = self.lstm(windows)
        return self.linear(hidden[:, -1])
