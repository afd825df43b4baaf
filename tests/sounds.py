"""Sound and models for tests of audio: made here, by nothing of the package.

The speech is a glottal pulse through moving formants, in phrases with pauses: no words, but a
voice activity detector trained on people takes it for speech.
"""

import json
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

RATE = 16_000
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)
LABELS = (
    "生气/angry",
    "厌恶/disgusted",
    "恐惧/fearful",
    "开心/happy",
    "中立/neutral",
    "其他/other",
    "难过/sad",
    "吃惊/surprised",
    "<unk>",
)


def speech(seconds: float, seed: int = 0, pitch: float = 120.0, level: float = 0.3) -> np.ndarray:
    """Speech-like sound at 16 kHz, (n,) float32, its loudest sample at `level`."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    out = np.zeros(count)
    at = min(int(0.1 * RATE), count // 4)
    while at < count:
        length = int(rng.uniform(0.8, 1.6) * RATE)
        phrase = _phrase(rng, length, pitch)[: count - at]
        out[at : at + len(phrase)] = phrase
        at += length + int(rng.uniform(0.3, 0.6) * RATE)
    return (level * out / np.abs(out).max()).astype(np.float32)


def noise(seconds: float, db: float, seed: int = 0) -> np.ndarray:
    """White noise of this many dB below full scale, (n,) float32."""
    scale = 10 ** (db / 20)
    return np.random.default_rng(seed).normal(0, scale, int(seconds * RATE)).astype(np.float32)


def _phrase(rng: np.random.Generator, count: int, pitch: float) -> np.ndarray:
    """Vowels gliding into one another on a falling pitch, faded in and out."""
    t = np.arange(count) / RATE
    vibrato = 1 + 0.04 * np.sin(2 * np.pi * 5 * t + rng.uniform(0, 6))
    phase = np.cumsum(pitch * (1.15 - 0.3 * t / t[-1]) * vibrato) / RATE % 1
    opening = 0.5 * (1 - np.cos(np.pi * phase / 0.4))
    closing = np.cos(np.pi / 2 * (phase - 0.4) / 0.16)
    flow = np.where(phase < 0.4, opening, np.where(phase < 0.56, closing, 0.0))
    source = np.diff(flow, prepend=0.0) + 0.002 * rng.normal(size=count)
    out = np.zeros(count)
    state = [np.zeros(2) for _ in range(4)]
    vowel, at, step = np.array(VOWELS[0], float), 0, 80
    while at < count:
        target = np.array(VOWELS[rng.integers(len(VOWELS))], float)
        for k in range(0, int(rng.uniform(0.12, 0.25) * RATE), step):
            part = min(1.0, k / (0.06 * RATE))
            block = source[at : at + step]
            formants = (*(vowel * (1 - part) + target * part), 3500.0)
            for i, (hz, width) in enumerate(zip(formants, (70, 100, 140, 200), strict=True)):
                r = np.exp(-np.pi * width / RATE)
                c = -2 * r * np.cos(2 * np.pi * hz / RATE)
                block, state[i] = lfilter([1 + c + r * r], [1, c, r * r], block, zi=state[i])
            out[at : at + len(block)] = block
            at += len(block)
        vowel = target
        if rng.random() < 0.3:
            end = min(count, at + int(0.07 * RATE))
            hiss = np.diff(rng.normal(size=end - at), prepend=0.0)
            out[at:end] += 0.05 * np.abs(out).max() * hiss
            at = end
    ends = np.minimum(np.arange(count), np.arange(count)[::-1])
    return out * np.minimum(1, ends / (0.03 * RATE))


def write_wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """A 16-bit .wav of samples (n,) or (n, channels), by the standard library."""
    values = np.clip(np.rint(np.asarray(samples, np.float64) * 32768), -32768, 32767)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1 if values.ndim == 1 else values.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(values.astype("<i2").tobytes())
    return path


def read_wav(path: Path) -> tuple[np.ndarray, int, int]:
    """The samples (n, channels) as float64 within -1..1, the rate, and the bytes a sample."""
    with wave.open(str(path), "rb") as file:
        raw = file.readframes(file.getnframes())
        samples = np.frombuffer(raw, "<i2").reshape(-1, file.getnchannels()) / 32768
        return samples, file.getframerate(), file.getsampwidth()


def make_model(
    folder: Path,
    dimension: int = 1024,
    labels: Sequence[str] | None = LABELS,
    seed: int = 0,
    blocks: int = 1,
    convolutions: int = 8,
    mlp_ratio: float = 0.125,
) -> Path:
    """A local model directory that FunASR's AutoModel loads, with random weights."""
    import torch
    import yaml
    from funasr.models.emotion2vec.model import Emotion2vec

    folder.mkdir(parents=True)
    model_conf = _model_conf(dimension, blocks, convolutions, mlp_ratio)
    config = {"model": "Emotion2vec", "model_conf": model_conf}
    files = {"init_param": "model.pt", "config": "config.yaml"}
    if labels is not None:
        config["tokenizer"] = "CharTokenizer"
        config["tokenizer_conf"] = {"unk_symbol": "<unk>", "split_with_space": True}
        (folder / "tokens.txt").write_text("\n".join(labels), encoding="utf-8")
        files["tokenizer_conf"] = {"token_list": "tokens.txt"}
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    described = {
        "framework": "pytorch",
        "task": "emotion-recognition",
        "model": {"type": "funasr"},
        "file_path_metas": files,
    }
    (folder / "configuration.json").write_text(json.dumps(described), encoding="utf-8")
    torch.manual_seed(seed)
    vocabulary = len(labels) if labels is not None else -1
    model = Emotion2vec(model_conf=model_conf, vocab_size=vocabulary)
    torch.save(model.state_dict(), folder / "model.pt")
    return folder


def _model_conf(dimension: int, blocks: int, convolutions: int, mlp_ratio: float) -> dict:
    heads = dimension // 64
    audio = {
        "type": "AUDIO",
        "prenet_depth": blocks,
        "prenet_layerdrop": 0.0,
        "prenet_dropout": 0.0,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "num_extra_tokens": 10,
        "init_extra_token_zero": True,
        "mask_noise_std": 0.01,
        "mask_prob_min": None,
        "mask_prob": 0.5,
        "inverse_mask": False,
        "mask_prob_adjust": 0.05,
        "keep_masked_pct": 0.0,
        "mask_length": 5,
        "add_masks": False,
        "remove_masks": False,
        "mask_dropout": 0.0,
        "encoder_zero_mask": True,
        "mask_channel_prob": 0.0,
        "mask_channel_length": 64,
        "ema_local_encoder": False,
        "local_grad_mult": 1.0,
        "use_alibi_encoder": True,
        "alibi_scale": 1.0,
        "learned_alibi": False,
        "alibi_max_pos": None,
        "learned_alibi_scale": True,
        "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False,
        "num_alibi_heads": heads,
        "model_depth": 0,
        "decoder": None,
        "extractor_mode": "layer_norm",
        "feature_encoder_spec": (
            f"[({convolutions},10,5)] + [({convolutions},3,2)]*4 + [({convolutions},2,2)]*2"
        ),
        "conv_pos_width": 95,
        "conv_pos_groups": dimension if convolutions < 64 else 16,
        "conv_pos_depth": 5,
        "conv_pos_pre_ln": False,
    }
    return {
        "depth": 0,
        "start_drop_path_rate": 0.0,
        "end_drop_path_rate": 0.0,
        "num_heads": heads,
        "norm_eps": 1e-5,
        "norm_affine": True,
        "encoder_dropout": 0.1,
        "post_mlp_drop": 0.1,
        "attention_dropout": 0.1,
        "activation_dropout": 0.0,
        "dropout_input": 0.0,
        "layerdrop": 0.0,
        "embed_dim": dimension,
        "mlp_ratio": mlp_ratio,
        "layer_norm_first": False,
        "end_of_block_targets": False,
        "clone_batch": 1,
        "normalize": True,
        "average_top_k_layers": 1,
        "loss_beta": 0.0,
        "loss_scale": None,
        "modalities": {"audio": audio},
    }
