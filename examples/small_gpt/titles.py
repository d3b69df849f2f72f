"""A corpus of the same kind from local files: 100,000 short texts, for the profile `local`.

Usage: python titles.py FOLDER

The folder holds `glue/sst2/train.jsonl` (its phrases) and `tiny_shakespeare/input.txt` (its lines). Written are the two
parts of the split as the manifest names it, below `data/titles` beside this file: a local dataset has one file for each
split, called as that is.
"""

import json
import random
import sys
from pathlib import Path

SEED, TITLES, HELD_OUT = 1337, 100_000, 10_000


def titles(folder: Path) -> list[str]:
    """All texts of the two corpora in a fixed random order, as many as there should be."""
    phrases = (folder / "glue" / "sst2" / "train.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line)["sentence"].strip() for line in phrases]
    lines = (folder / "tiny_shakespeare" / "input.txt").read_text("utf-8").splitlines()
    found += [line.strip() for line in lines if line.strip()]
    random.Random(SEED).shuffle(found)
    return found[:TITLES]


if __name__ == "__main__":
    whole = titles(Path(sys.argv[1]))
    target = Path(__file__).parent / "data" / "titles"
    target.mkdir(parents=True, exist_ok=True)
    trained = len(whole) - HELD_OUT
    for name, part in (
        (f"train[:{trained}]", whole[:trained]),
        (f"train[{trained}:{len(whole)}]", whole[trained:]),
    ):
        (target / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in part), "utf-8")
    print(f"{len(whole)} texts, {HELD_OUT} of them held out: {target}")
