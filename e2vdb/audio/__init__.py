"""From a recording to an output directory, with the real FunASR code, on a CPU, offline.

The extra `audio` brings what this package imports; nothing else in e2vdb imports any of it.
"""

from e2vdb.audio.recognition import Recognition, recognise

__all__ = ["Recognition", "recognise"]
