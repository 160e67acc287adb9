"""Tones of the rig: what each phone plays, and which tones are in what was recorded or heard.

Never decides by loudness alone: a tone counts when most of a 20 ms frame's energy sits at its frequency.

All frequencies are multiples of 50 Hz, so in a frame of 20 ms (160 samples) they are orthogonal: one frame tells them
apart exactly, at any phase, and a lost or late packet costs 20 ms of proof and no more.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

RATE = 8000
FRAME = 160
FRAME_S = FRAME / RATE
Samples: TypeAlias = npt.NDArray[np.float64]

TONES: dict[str, int] = {
    "music": 300,
    "prompt": 400,
    **{f"customer-{digit}": 500 + 100 * digit for digit in range(10)},
    **{f"agent-{digit}": 1550 + 100 * digit for digit in range(10)},
}
"""Name -> Hz. A customer's and an agent's digit is the last of his number."""

_FLOOR = 300.0
"""Amplitude (16 bit) under which a frame is silence: u-law's noise is far below, a tone of the rig far above."""
_SHARE = 0.2
"""Part of a frame's energy a tone must have: two voices mixed have half each."""
_NAMES = list(TONES)


def _ulaw_table() -> Samples:
    code = ~np.arange(256, dtype=np.int64) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float64)


_FROM_ULAW = _ulaw_table()


def from_ulaw(data: bytes | npt.NDArray[np.uint8]) -> Samples:
    """16 bit amplitudes of u-law bytes."""
    codes = np.frombuffer(data, dtype=np.uint8) if isinstance(data, bytes) else data
    return np.asarray(_FROM_ULAW[codes], dtype=np.float64)


def to_ulaw(samples: Samples) -> bytes:
    """u-law bytes of 16 bit amplitudes."""
    clipped = np.clip(samples, -32635, 32635).astype(np.int64)
    magnitude = np.abs(clipped) + 0x84
    exponent = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(clipped < 0, 0x80, 0)
    return bytes((~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8))


def tone(hz: float, seconds: float, amplitude: float = 8000.0) -> Samples:
    return np.asarray(amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE), dtype=np.float64)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE))


def _babble(seconds: float) -> Samples:
    """Something AMD() takes for a word."""
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, int(seconds * RATE))
    return tone(220, seconds, 6000) + 6000 * noise


_GOERTZEL = np.exp(-2j * np.pi * np.outer(np.arange(FRAME), [TONES[name] for name in _NAMES]) / RATE)


def tones_in(samples: Samples) -> dict[str, float]:
    """Seconds of each tone of `TONES` in 8 kHz `samples`; `sound` is the seconds that were not silent."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    energy = np.sum(frames**2, axis=1)
    loud = energy > FRAME * _FLOOR**2 / 2
    # A pure tone of amplitude A has |X| = A * FRAME / 2 and energy A^2 * FRAME / 2: its share is 1.
    share = 2 * np.abs(frames @ _GOERTZEL) ** 2 / (FRAME * np.maximum(energy, 1.0)[:, None])
    counts = np.sum((share > _SHARE) & loud[:, None], axis=0)
    found = {name: float(count) * FRAME_S for name, count in zip(_NAMES, counts, strict=True) if count}
    return {**found, "sound": float(np.sum(loud)) * FRAME_S}


def tones_in_recording(path: Path) -> dict[str, float]:
    """`tones_in` of a recording: .wav (16 bit, 8 kHz, mono) or .ulaw. Raises ValueError for another format."""
    if path.suffix in {".ulaw", ".ul", ".pcm"}:
        return tones_in(from_ulaw(path.read_bytes()))
    with wave.open(str(path), "rb") as file:
        shape = (file.getframerate(), file.getsampwidth(), file.getnchannels())
        if shape != (RATE, 2, 1):
            raise ValueError(f"{path}: rate, width and channels are {shape}; allowed: {(RATE, 2, 1)}")
        return tones_in(np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64))


def write_sounds(directory: Path) -> None:
    """The files the phones play (raw u-law): one a tone, each of whole periods so that it may be looped.

    `person.ulaw` is a short hello, `machine.ulaw` a long greeting.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, hz in TONES.items():
        (directory / f"{name}.ulaw").write_bytes(to_ulaw(tone(hz, 2.0)))
    hello = [silence(0.3), _babble(0.5), silence(8)]
    greeting = [silence(0.3), *([_babble(0.4), silence(0.12)] * 12), silence(10)]
    (directory / "person.ulaw").write_bytes(to_ulaw(np.concatenate(hello)))
    (directory / "machine.ulaw").write_bytes(to_ulaw(np.concatenate(greeting)))
