"""YAML 1.1 scalars, as PyYAML's SafeLoader takes them, and as OmegaConf's loader changes that."""

from __future__ import annotations

import re
from typing import Any, Literal

import yaml

_TAG = "tag:yaml.org,2002:"
_OMEGACONF_FLOAT = re.compile(
    r"""[-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*[eE][-+]?[0-9]+
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?::[0-5]?[0-9])+\.[0-9_]*
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN)""",
    re.VERBOSE,
)
_constructor = yaml.constructor.SafeConstructor()
_PATTERNS: dict[str, list[tuple[str, Any]]] = yaml.resolver.Resolver.yaml_implicit_resolvers


def resolve_1_1(text: str, reader: Literal["pyyaml", "omegaconf"]) -> Any:
    """The value of a plain scalar; the text itself where the reader would refuse it (`=`, no such date)."""
    patterns = _PATTERNS.get(text[:1])
    if patterns is None:
        return text
    tag = None
    for candidate, pattern in patterns:
        if reader == "omegaconf" and candidate == f"{_TAG}timestamp":
            continue
        if pattern.match(text):
            tag = candidate
            break
    # OmegaConf adds its pattern behind the others: an integer stays one.
    if tag is None and reader == "omegaconf" and text[0] in "-+0123456789." and _OMEGACONF_FLOAT.fullmatch(text):
        tag = f"{_TAG}float"
    build = _constructor.yaml_constructors.get(tag) if tag is not None and tag != f"{_TAG}str" else None
    if build is None:
        return text
    try:
        return build(_constructor, yaml.ScalarNode(str(tag), text))
    except (yaml.YAMLError, ValueError, OverflowError):
        return text
