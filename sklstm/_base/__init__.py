"""The base of all LSTM estimators: the order of events in fit and predict, and their parts."""
