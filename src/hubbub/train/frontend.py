"""The log-mel's twin in torch: same numbers as `hubbub.logmel`, on any device, for learning from waveforms."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from hubbub.logmel import DECIBELS, LEAST_POWER, LEAST_STD, LogMelSpec, hann, loudest_frames, mel_bands


class LogMel(nn.Module):
    """Waveforms (..., time) at `spec.sample_rate` to log-mel (..., rows, columns), float32."""

    window: Tensor
    bands: Tensor

    def __init__(self, spec: LogMelSpec):
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.from_numpy(hann(spec.win_length).copy()), persistent=False)
        self.register_buffer("bands", torch.from_numpy(mel_bands(spec).copy()), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """See `hubbub.logmel.logmel`."""
        spec, samples = self.spec, waveforms.shape[-1]
        if samples < spec.n_fft // 2 + 2:
            raise ValueError(f"a log-mel needs at least {spec.n_fft // 2 + 2} samples, got {samples}; zero-pad first")
        emphasised = waveforms[..., 1:] - spec.preemphasis * waveforms[..., :-1]
        flat = emphasised.reshape(-1, emphasised.shape[-1])
        spectrum = torch.stft(
            flat,
            spec.n_fft,
            spec.hop_length,
            spec.win_length,
            self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        mel = self.bands @ spectrum.abs().square()
        if spec.level_db is not None:
            means = functional.avg_pool1d(mel.sum(-2), loudest_frames(spec, mel.shape[-1]), stride=1)
            loudest = means.amax(-1).clamp(min=LEAST_POWER)
            mel = mel * (10 ** (spec.level_db / 10) / loudest)[:, None, None]
        logmel = self._scaled(torch.log(mel + spec.floor))
        return logmel.reshape(*waveforms.shape[:-1], *logmel.shape[-2:])

    def _scaled(self, logarithm: Tensor) -> Tensor:
        """In its range, normalised, resized, as the spec says: (batch, mels, frames) to (batch, rows, columns)."""
        spec = self.spec
        if spec.decibels or spec.range_db:
            logarithm = logarithm * DECIBELS
        if spec.range_db:
            logarithm = (logarithm - logarithm.amax((-2, -1), keepdim=True)).clamp(min=-spec.range_db)
        if spec.normalise == "clip":
            std, mean = torch.std_mean(logarithm, (-2, -1), correction=0, keepdim=True)
            normalised = (logarithm - mean) / std.clamp(min=LEAST_STD)
        else:
            normalised = (logarithm - spec.mean) / spec.std
        size = (spec.height or normalised.shape[-2], spec.width or normalised.shape[-1])
        if size == normalised.shape[-2:]:
            return normalised
        return functional.interpolate(normalised[:, None], size, mode="bilinear", antialias=True)[:, 0]
