"""The log-mel's twin in torch: same numbers as `hubbub.logmel`, on any device, for learning from waveforms."""

import torch
from torch import Tensor, nn

from hubbub.logmel import LogMelSpec, hann, mel_bands


class LogMel(nn.Module):
    """Waveforms (..., time) at `spec.rate` to log-mel (..., mels, frames), float32."""

    window: Tensor
    bands: Tensor

    def __init__(self, spec: LogMelSpec):
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.from_numpy(hann(spec.window).copy()), persistent=False)
        self.register_buffer("bands", torch.from_numpy(mel_bands(spec).copy()), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """See `hubbub.logmel.logmel`."""
        spec, samples = self.spec, waveforms.shape[-1]
        if samples < spec.fft // 2 + 2:
            raise ValueError(f"a log-mel needs at least {spec.fft // 2 + 2} samples, got {samples}; zero-pad first")
        emphasised = waveforms[..., 1:] - spec.preemphasis * waveforms[..., :-1]
        flat = emphasised.reshape(-1, emphasised.shape[-1])
        spectrum = torch.stft(
            flat, spec.fft, spec.hop, spec.window, self.window, center=True, pad_mode="reflect", return_complex=True
        )
        mel = self.bands @ spectrum.abs().square()
        logarithm = (torch.log(mel + spec.floor) - spec.mean) / spec.std
        return logarithm.reshape(*waveforms.shape[:-1], *logarithm.shape[-2:])
