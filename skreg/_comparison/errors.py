"""The one error of the main job that is the user's to mend."""


class InputError(Exception):
    """What the user gave cannot be used; the message, one line, says why and what to do."""
