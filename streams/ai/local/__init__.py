"""The offline classifier: a linear model over words, letters, hand-made signals and, when installed, an embedding."""
