"""The command line: stdout carries data, stderr talks."""
