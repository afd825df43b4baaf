"""How good a recording is, 0 to 1: four factors multiplied, so that the worst one shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from e2vdb.audio.speech import IS_SPEECH

CLEAN_DB = 30.0
ENOUGH_SPEECH = 0.3
RUINED_BY_CLIPPING = 0.01
CLIPPED_FLOOR = 0.3
TELEPHONE_HZ, WIDE_HZ = 3400.0, 7000.0
TELEPHONE_FACTOR = 0.8
LEAST_CHUNKS = 10
"""Chunks without speech (0.3 s) below which the quietest tenth stands in for the noise."""

CLIPPED_AT = 0.999


@dataclass(frozen=True, slots=True)
class Quality:
    """The value, and what it is made of.

    `value` = snr x speech x clipping x bandwidth:
    snr       0 at 0 dB to 1 at 30 dB;
    speech    0 without speech to 1 where 30 % of the time or more is speech;
    clipping  1 without clipped samples to 0.3 at 1 % of them or more;
    bandwidth 0.8 up to 3,400 Hz (telephone) to 1 from 7,000 Hz on.
    """

    value: float
    snr_db: float
    speech_share: float
    clipped_share: float
    bandwidth_hz: float


def rate_quality(
    speech: NDArray[np.float32],
    power: NDArray[np.float64],
    clipped_share: float,
    bandwidth_hz: float,
) -> Quality:
    """Rate a recording by the speech probability and power of each chunk of it, (n,) both."""
    is_speech = speech >= IS_SPEECH
    share = float(is_speech.mean()) if len(speech) else 0.0
    snr_db = _snr_db(is_speech, power)
    value = (
        _ramp(snr_db, 0.0, CLEAN_DB)
        * _ramp(share, 0.0, ENOUGH_SPEECH)
        * (1 - (1 - CLIPPED_FLOOR) * _ramp(clipped_share, 0.0, RUINED_BY_CLIPPING))
        * (TELEPHONE_FACTOR + (1 - TELEPHONE_FACTOR) * _ramp(bandwidth_hz, TELEPHONE_HZ, WIDE_HZ))
    )
    return Quality(value, snr_db, share, clipped_share, bandwidth_hz)


def _snr_db(is_speech: NDArray[np.bool_], power: NDArray[np.float64]) -> float:
    """Return how much louder speech is than what lies between it, 0 without speech.

    At most 60 dB: past it the measure is of digital silence, not of the recording.
    """
    if not is_speech.any():
        return 0.0
    pauses = power[~is_speech]
    loudest_noise = float(np.quantile(power, 0.1))
    noise = float(np.median(pauses)) if len(pauses) >= LEAST_CHUNKS else loudest_noise
    heard = float(power[is_speech].mean())
    signal = max(heard - noise, 1e-12)
    return float(np.clip(10 * np.log10(signal / max(noise, 1e-12)), 0.0, 60.0))


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))
