from pathlib import Path

import pytest
from hubbub.report.figures import figure, mel_axis, save

from hubbub.errors import UsageError
from hubbub.logmel import LogMelSpec, mel_bands


def test_the_mel_axis_stands_where_the_bands_are() -> None:
    spec = LogMelSpec(sample_rate=32_000, n_fft=16_384, win_length=800, n_mels=64)
    axes = figure(4, 3).subplots()
    mel_axis(axes, spec)
    ticks = dict(zip((text.get_text() for text in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    assert list(ticks) == ["0.1", "0.5", "1", "2", "5", "10"]
    for name, place in ticks.items():
        loudest = mel_bands(spec)[:, round(float(name) * 1000 / 32_000 * 16_384)]
        assert loudest[int(place)] == max(loudest) or abs(place - round(place)) < 0.1


def test_a_name_that_is_no_picture(tmp_path: Path) -> None:
    for name in ("view", "view.wav"):
        with pytest.raises(UsageError, match=r"must end in \.png"):
            save(figure(2, 2), tmp_path / name)
    assert not list(tmp_path.iterdir())
