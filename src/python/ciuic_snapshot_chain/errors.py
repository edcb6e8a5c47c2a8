"""One error per way of reacting to it."""


class CiuicError(Exception):
    """A promise that could not be kept."""


class InvalidInput(CiuicError, ValueError):
    """The input is wrong; asking again with the same input cannot help."""


class UnsupportedValue(InvalidInput):
    """A value that cannot be saved; the message names its place by keys."""


class NotFound(CiuicError, LookupError):
    """The named thing does not exist."""


class MissingValue(NotFound, KeyError):
    """A snapshot has no plain value of that name; the message says what it has."""

    __str__ = Exception.__str__  # a KeyError shows the repr of its message


class Conflict(CiuicError):
    """Somebody else holds or has written what was asked for."""


class Fenced(CiuicError):
    """A newer attempt owns the run; this one can save nothing any more."""


class Unavailable(CiuicError, ConnectionError):
    """A gateway, a silo or a store does not answer; the same may be asked again."""


class Corrupt(CiuicError):
    """Stored bytes are not what was stored; the message names them."""


class LibraryMissing(CiuicError, ImportError):
    """The native library is not there, or of another version."""


BY_KIND = {
    "invalid": InvalidInput,
    "not_found": NotFound,
    "conflict": Conflict,
    "fenced": Fenced,
    "unavailable": Unavailable,
    "corrupt": Corrupt,
}
