import numpy as np
import pytest
import scipy.signal

from hubbub.audio.codecs import Codec, round_trip


@pytest.mark.parametrize(("codec", "rate"), [("opus", 48_000), ("mp3", 44_100), ("mp3", 22_050), ("mp3", 16_000)])
def test_what_comes_back_is_the_sound_at_its_place(codec: Codec, rate: int) -> None:
    times = np.arange(2 * rate) / rate
    rng = np.random.default_rng(0)
    clicks = np.where(times % 0.31 < 0.02, rng.standard_normal(len(times)), 0.01 * np.sin(3000 * times))
    low = scipy.signal.sosfilt(scipy.signal.butter(4, 3000, fs=rate, output="sos"), 0.2 * clicks).astype(np.float32)
    back = round_trip(low, rate, codec, 32_000)
    assert back.dtype == np.float32 and 0 <= len(back) - len(low) < 0.2 * rate
    likeness = scipy.signal.correlate(back[: len(low)], low, "full", "fft")
    assert abs(int(likeness.argmax()) - (len(low) - 1)) <= rate // 2000  # half a millisecond
    assert np.corrcoef(back[: len(low)], low)[0, 1] > 0.8
