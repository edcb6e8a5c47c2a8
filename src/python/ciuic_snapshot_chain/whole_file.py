"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import BinaryIO, Iterator, Union

from .errors import InvalidInput


@contextmanager
def replaced(path: Union[str, "os.PathLike[str]"]) -> Iterator[BinaryIO]:
    """A new file, or one in the place of another, which appears in one step once all of it is written."""
    temporary = f"{os.fspath(path)}.{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError):
            raise InvalidInput(f"{os.fspath(path)} cannot be written: {error.strerror or error}.") from error
        raise


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass  # it was never there
