"""Synthetic Emotion2Vec+ output directories with planted, documented truths."""

from e2vdb.demo.truth import DemoTruth, Launch, Training
from e2vdb.demo.writer import DEMO_SEED, DemoError, write_demo

__all__ = ["DEMO_SEED", "DemoError", "DemoTruth", "Launch", "Training", "write_demo"]
