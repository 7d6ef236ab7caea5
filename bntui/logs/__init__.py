"""Run logs: the writer, the reader, and the index of a directory of logs."""
