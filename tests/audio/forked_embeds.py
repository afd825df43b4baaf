"""Runs embed in children of one process that has loaded the model, so that many runs are cheap.

usage: forked_embeds.py kill OUT MODEL FILE...    kill -9 before each change to the file system
       forked_embeds.py together N OUT MODEL FILE...   N runs at the same moment

Prints a line of JSON: what was seen after each kill, or what each run counted.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import torch

from e2vdb.audio.embed import embed
from e2vdb.audio.options import EmbedOptions
from e2vdb.audio.recogniser import recogniser
from e2vdb.audio.speech import SpeechDetector

CHANGES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
WHOLE = {"processed_audio.wav", "result.json", "embedding.npy"}
FRAMES = {"frame_embeddings.npy", "result_frame.json"}


def state(out: Path) -> list[str]:
    """What is wrong with what can be seen in the output folder."""
    wrong = []
    for folder in out.iterdir() if out.exists() else ():
        if folder.name.startswith("."):
            continue
        found = {one.name for one in folder.iterdir()}
        if found != WHOLE | FRAMES:
            wrong.append(f"{folder.name} holds {sorted(found)}")
    return wrong


def run(out: Path, model: str, files: list[str]) -> dict:
    done = embed(files, out, EmbedOptions(model, frames=True))
    return {"made": len(done.made), "before": done.done_before, "rejects": len(done.rejects)}


def killed_at(number: int, out: Path, model: str, files: list[str]) -> bool:
    """Run in a child that dies before its nth change; whether it lived to the end."""
    child = os.fork()
    if child == 0:
        left = [number]

        def die(event: str, arguments: tuple) -> None:
            if event in CHANGES and str(out) in str(arguments[0]):
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(die)
        run(out, model, files)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def kill_everywhere(out: Path, model: str, files: list[str]) -> dict:
    wrong, kills = [], 0
    for number in range(1, 400):
        target = out / str(number)
        lived = killed_at(number, target, model, files)
        wrong += state(target)
        finished = len(list(target.glob("outputs_*")))
        after = run(target, model, files)
        if after["before"] != finished or after["made"] != len(files) - finished:
            wrong.append(f"after kill {number}: {finished} finished, then {after}")
        wrong += state(target)
        if [one.name for one in target.iterdir() if one.name.startswith(".")]:
            wrong.append(f"after kill {number}: something is left")
        if lived:
            break
        kills += 1
    return {"kills": kills, "wrong": wrong}


def together(count: int, out: Path, model: str, files: list[str]) -> list[dict]:
    begin = time.monotonic() + 0.2
    pipes = []
    for _ in range(count):
        reader, writer = os.pipe()
        if os.fork() == 0:
            time.sleep(max(0.0, begin - time.monotonic()))
            os.write(writer, json.dumps(run(out, model, files)).encode())
            os._exit(0)
        os.close(writer)
        pipes.append(reader)
    found = [json.loads(os.fdopen(one).read()) for one in pipes]
    for _ in pipes:
        os.wait()
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    mode, *words = sys.argv[1:]
    count = int(words.pop(0)) if mode == "together" else 0
    folder, name, *sounds = words
    recogniser(name)
    SpeechDetector()
    if mode == "kill":
        print(json.dumps(kill_everywhere(Path(folder), name, sounds)))
    else:
        print(json.dumps(together(count, Path(folder), name, sounds)))
