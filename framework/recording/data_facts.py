"""What a training read, by its content: of files, of a dataset of Hugging Face, or of data that lie in memory.

An example is never asked of an object that may draw random numbers for it: that would change the training.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from framework.errors import UsageError
from framework.evidence.record import sha256_of

OF_FILES, OF_DATASET, OF_EXAMPLES = "files", "datasets", "examples"
"""What a fingerprint is of: two of different kinds say nothing about each other."""


def data_facts(data: Any) -> dict[str, Any]:
    """`fingerprint`, `fingerprint_of` (one of the kinds above), and `examples` where their number is known.

    Args:
        data: A path or several (a folder stands for all files in it), a `datasets.Dataset`, torch's TensorDataset or
            Subset of one, tensors, arrays, or lists and mappings of plain values.

    Raises:
        UsageError: a file that is not there, or an object whose content cannot be read without drawing from it.
    """
    if isinstance(data, (str, Path)) or (isinstance(data, (list, tuple)) and data and _all_paths(data)):
        return _of_files([data] if isinstance(data, (str, Path)) else data)
    facts: dict[str, Any] = {}
    own = getattr(data, "_fingerprint", None)
    if isinstance(own, str):
        facts = {"fingerprint": own, "fingerprint_of": OF_DATASET}
    else:
        digest = hashlib.sha256()
        _feed(digest, data)
        facts = {"fingerprint": digest.hexdigest(), "fingerprint_of": OF_EXAMPLES}
    if hasattr(data, "__len__"):
        facts["examples"] = len(data)
    return facts


def _all_paths(data: Iterable[Any]) -> bool:
    return all(isinstance(each, Path) for each in data)


def _of_files(paths: Iterable[Any]) -> dict[str, Any]:
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            files |= {each.relative_to(path).as_posix(): each for each in sorted(path.rglob("*")) if each.is_file()}
        elif path.is_file():
            files[path.name] = path
        else:
            raise UsageError(f"data: no file {str(path)!r} is there")
    if not files:
        raise UsageError("data: the folder holds no file")
    digests = {name: sha256_of(path) for name, path in files.items()}
    whole = hashlib.sha256("\n".join(sorted(digests.values())).encode()).hexdigest()
    kept = [{"file": name, "sha256": digest} for name, digest in sorted(digests.items())]
    return {"fingerprint": whole, "fingerprint_of": OF_FILES, "files": kept}


def _feed(digest: Any, data: Any) -> None:
    """Add the content of plain data to a digest, each part with its kind."""
    if data is None or isinstance(data, (bool, int, float, str)):
        digest.update(json.dumps(data).encode() + b";")
    elif isinstance(data, bytes):
        digest.update(b"bytes" + data + b";")
    elif isinstance(data, dict):
        for key, value in data.items():
            _feed(digest, key)
            _feed(digest, value)
        digest.update(b"}")
    elif isinstance(data, (list, tuple, range)):
        for value in data:
            _feed(digest, value)
        digest.update(b"]")
    elif hasattr(data, "tensors"):
        _feed(digest, tuple(data.tensors))
    elif hasattr(data, "dataset") and hasattr(data, "indices"):
        _feed(digest, data.dataset)
        _feed(digest, [int(index) for index in data.indices])
    elif isinstance(getattr(data, "_fingerprint", None), str):
        digest.update(data._fingerprint.encode())
    elif hasattr(data, "dtype") and hasattr(data, "shape"):
        array = data.detach().cpu() if hasattr(data, "detach") else data
        digest.update(f"{array.dtype} {tuple(array.shape)}".removeprefix("torch.").encode())
        digest.update(_bytes_of(array))
    else:
        raise UsageError(
            f"data: what is in a {type(data).__name__} cannot be read without asking it for examples, which may draw "
            "random numbers: name its files, or what it was made of"
        )


def _bytes_of(array: Any) -> bytes:
    """The bytes of a tensor or an array, row by row; of a type that numpy lacks (bfloat16) those of its storage."""
    contiguous = getattr(array, "contiguous", None)
    if contiguous is None:
        return bytes(array.tobytes())
    flat = contiguous().reshape(-1)
    view = flat if not len(flat) else flat.view(_byte_type(flat))
    return bytes(view.numpy().tobytes())


def _byte_type(tensor: Any) -> Any:
    torch = sys.modules["torch"]
    return tensor.dtype if tensor.dtype == torch.bool else torch.uint8
