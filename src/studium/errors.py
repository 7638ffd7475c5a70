"""Every error studium raises on purpose.

::

    StudiumError
    ├── InputError (ValueError)      something handed over does not fit
    │   ├── ConfigError              studium.toml or codebook.toml
    │   ├── SourceError              a folder, a posts table
    │   └── UnknownNameError         no such measure, model, variable ...
    ├── MediaError                   one medium cannot be used; becomes a row in `failures`
    │   ├── EmptyFileError
    │   ├── UnreadableFileError      permissions, missing, symlink loop, changed since it was added
    │   ├── UnknownFormatError       no decoder recognises the bytes
    │   ├── TruncatedFileError
    │   ├── DamagedStreamError       parts of a video or sound could not be decoded; what could be is kept
    │   ├── NoStreamError            a video without pictures, a film without sound
    │   ├── TooLargeError            a decompression bomb, or more pixels than allowed
    │   └── DecoderCrashError        the process died while decoding this medium
    ├── WeightsError                 the weights of a model
    │   ├── OfflineError             not cached, and downloads are switched off
    │   ├── SourceUnavailableError   no source could deliver
    │   └── HashMismatchError        what came is not what was pinned
    ├── MissingExtraError (ImportError)   an optional dependency is not installed
    ├── StoreError                   the study folder on disk
    │   └── BusyError                another run holds the study
    ├── RefusedError                 a privacy or legal gate said no
    └── ServiceError                 a service answers no further question; the run ends, and the next one goes on
        └── BudgetError              what a run may cost is used up
"""

__all__ = [
    "BudgetError",
    "BusyError",
    "ConfigError",
    "DamagedStreamError",
    "DecoderCrashError",
    "EmptyFileError",
    "HashMismatchError",
    "InputError",
    "MediaError",
    "MissingExtraError",
    "NoStreamError",
    "OfflineError",
    "RefusedError",
    "ServiceError",
    "SourceError",
    "SourceUnavailableError",
    "StoreError",
    "StudiumError",
    "TooLargeError",
    "TruncatedFileError",
    "UnknownFormatError",
    "UnknownNameError",
    "UnreadableFileError",
    "WeightsError",
]


class StudiumError(Exception):
    """Base of every error studium raises on purpose."""


class InputError(StudiumError, ValueError):
    """Something handed over does not fit; the message says what was expected, what came, and what to do."""


class ConfigError(InputError):
    """``studium.toml`` or ``codebook.toml`` does not fit its schema."""


class SourceError(InputError):
    """A source (folder, posts table) cannot be read as asked."""


class UnknownNameError(InputError):
    """No part, model, variable or column of that name; the message lists what exists."""


class MediaError(StudiumError):
    """One medium cannot be used. In a run it becomes a row in ``failures``."""


class EmptyFileError(MediaError):
    """The file has no bytes."""


class UnreadableFileError(MediaError):
    """The file cannot be read: permissions, missing, symlink loop, or changed since it was added."""


class UnknownFormatError(MediaError):
    """No decoder recognises the bytes."""


class TruncatedFileError(MediaError):
    """The file ends, or breaks, before its picture does."""


class DamagedStreamError(MediaError):
    """Parts of a video or sound could not be decoded; the message says when. What could be decoded is kept."""


class NoStreamError(MediaError):
    """The file has no pictures, or no sound, to decode."""


class TooLargeError(MediaError):
    """More pixels than the limit: a decompression bomb, or a limit to raise on purpose."""


class DecoderCrashError(MediaError):
    """The process died while decoding this medium; it is quarantined."""


class WeightsError(StudiumError):
    """The weights of a model cannot be had or trusted."""


class OfflineError(WeightsError):
    """The weights are not cached and downloads are switched off."""


class SourceUnavailableError(WeightsError):
    """None of a model's sources could deliver its file."""


class HashMismatchError(WeightsError):
    """A file's sha256 is not the pinned one; the file was discarded."""


class MissingExtraError(StudiumError, ImportError):
    """An optional dependency is not installed; the message names the extra."""

    def __init__(self, package: str, extra: str) -> None:
        """Say which package is missing and the extra that brings it."""
        super().__init__(f"{package} is needed here and is not installed: run  pip install 'studium[{extra}]'")


class StoreError(StudiumError):
    """The study folder on disk cannot be used as asked."""


class BusyError(StoreError):
    """Another run holds this study."""


class RefusedError(StudiumError):
    """A privacy or legal gate said no; the message says which record would open it."""


class ServiceError(StudiumError):
    """A service answers no further question (quota, key, address): the run ends, the next one goes on from there."""


class BudgetError(ServiceError):
    """What a run may cost is used up."""
