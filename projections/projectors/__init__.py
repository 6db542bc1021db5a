"""One pure projector a file: an event in, the rows it stands for out."""
