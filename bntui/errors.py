"""What a person gave that cannot be used."""


class InputError(Exception):
    """Its message is one sentence: which input, its value, what would be accepted."""
