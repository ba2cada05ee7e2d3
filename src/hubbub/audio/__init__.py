"""The only door for sound: probe, read whole or in blocks, resample, mix down, write.

Whatever the file holds, what comes out is mono float32: the mean of the channels (`mixdown` says what happens where
they cancel), nominally in [-1, 1]. A float file that goes beyond is kept as it is, not clipped. Silence is a sound.

libsndfile reads WAV, FLAC, Ogg (Vorbis, Opus), AIFF, CAF, AU and W64, FFmpeg the rest: MP3, AAC and ALAC in M4A, AMR,
WMA, WavPack, and the sound of MP4, MOV, WebM, MKV and AVI, of 4 to 384 kHz and any number of channels. A file is known
by its first bytes, whatever its name (`containers` has the list); what bears no signature is refused.

A file that is cut off or damaged on the way is heard as far as it decodes: nothing is padded, and what is wrong is
said, to `log` where a function takes it, else as a warning of `logging`. Where not even the beginning decodes,
`UnreadableAudioError` says so. Every error that a file can cause is an `AudioError` whose one line names the file and
says what to do.

A file is given by its path, by its content as `bytes`, or as a binary file object, which is read from where it stands
to its end; what is held in memory then is the file as it is encoded. Errors call these "<bytes>" and by their name.
"""

from hubbub.audio.errors import EmptyAudioError as EmptyAudioError
from hubbub.audio.errors import InvalidSamplesError as InvalidSamplesError
from hubbub.audio.errors import LongAudioError as LongAudioError
from hubbub.audio.errors import MissingAudioError as MissingAudioError
from hubbub.audio.errors import UnreadableAudioError as UnreadableAudioError
from hubbub.audio.errors import UnsupportedAudioError as UnsupportedAudioError
from hubbub.audio.memory import from_array as from_array
from hubbub.audio.reading import MAX_SAMPLES as MAX_SAMPLES
from hubbub.audio.reading import MAX_SECONDS as MAX_SECONDS
from hubbub.audio.reading import AudioInfo as AudioInfo
from hubbub.audio.reading import blocks as blocks
from hubbub.audio.reading import probe as probe
from hubbub.audio.reading import read as read
from hubbub.audio.resampling import MAX_RATE as MAX_RATE
from hubbub.audio.resampling import MIN_RATE as MIN_RATE
from hubbub.audio.resampling import resample as resample
from hubbub.audio.resampling import resample_blocks as resample_blocks
from hubbub.audio.source import Source as Source
from hubbub.audio.writing import Format as Format
from hubbub.audio.writing import to_int16 as to_int16
from hubbub.audio.writing import write as write
from hubbub.audio.writing import write_wav as write_wav
from hubbub.types import Floats as Floats
