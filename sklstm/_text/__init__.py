"""Text: documents as sequences of tokens, and the language model."""
