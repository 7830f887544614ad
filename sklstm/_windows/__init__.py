"""Windows and time: from the rows of a series to windows, arrays of windows, tables, and time axes."""
