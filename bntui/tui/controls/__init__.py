"""Settings as a list of rows whose values can be changed."""
