"""The one error of the oracle: input that the rules call bad, which a run must refuse as well."""


class BadInputError(ValueError):
    """The input breaks the contract or lacks what the rules need; the message says what and where."""
