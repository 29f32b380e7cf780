"""Server that synthesizes texts with espeak-ng's library: requests on stdin, samples on stdout.

Each text is synthesized in a fork of the server, because the samples depend on the texts that a process
synthesized before. A fork takes 3 ms of processor time per word. The espeak-ng program takes 12 ms, most of
it to load the libraries of sound servers and the list of voices, which a fork inherits.

The server first prints the version of espeak-ng on a line. Each request is a line of JSON: [voice, words per
minute, pitch, text]. The answer is a line with the rate in Hz and the number of samples, followed by the
samples (int16). A rate of 0 means that espeak-ng refused the text or the voice.

The server imports only the standard library, so that forks are cheap.
"""

import ctypes
import json
import os
import sys

_SYNCHRONOUS = 2
_RATE, _PITCH = 1, 3
_PHONEMES = 0x100  # without espeakENDPAUSE: no pause at the end, like the program's option -z


class _Voice(ctypes.Structure):
    """The first two members of espeak_VOICE, and space for the others."""

    _fields_ = [("name", ctypes.c_char_p), ("languages", ctypes.c_char_p), ("rest", ctypes.c_char * 64)]


def main() -> None:
    """Serve requests until stdin ends."""
    library = ctypes.CDLL("libespeak-ng.dylib" if sys.platform == "darwin" else "libespeak-ng.so.1")
    library.espeak_Info.restype = ctypes.c_char_p
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
    library.espeak_ListVoices(None)
    if hasattr(library, "espeak_ng_SetRandSeed"):  # from 1.52 on, breathy voices are seeded with the time
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    output = sys.stdout.buffer
    output.write(library.espeak_Info(None).split()[0] + b"\n")
    output.flush()
    for request in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                samples = _synthesize(library, *json.loads(request))
                output.write(b"%d %d\n" % (rate_hz, len(samples) // 2) + samples)
                output.flush()
                os._exit(0)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1]:
            output.write(b"0 0\n")
            output.flush()


def _synthesize(library: ctypes.CDLL, voice: str, words_per_minute: int, pitch: int, text: str) -> bytes:
    """Return a text's samples, int16; raises ValueError if there is no such voice."""
    pieces = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
    def collect(samples: int | None, count: int, _events: int) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(collect)
    if library.espeak_SetVoiceByName(voice.encode()):
        language = _Voice(languages=voice.encode())
        if library.espeak_SetVoiceByProperties(ctypes.byref(language)):
            raise ValueError(voice)
    library.espeak_SetParameter(_RATE, words_per_minute, 0)
    library.espeak_SetParameter(_PITCH, pitch, 0)
    characters = text.encode() + b"\0"
    library.espeak_Synth(characters, len(characters), 0, 1, 0, _PHONEMES, None, None)
    return b"".join(pieces)


if __name__ == "__main__":
    main()
