"""What papers call the facts of a training, in words: `Peak learning rate`, `β₂`, `Warm-up epochs`."""

from __future__ import annotations

import re

from framework.dialects.prose_names import fact_spoken, spoken
from framework.dialects.synonyms import meaning, normal
from framework.drafting.finding.own_names import ALSO


def fact_named(title: str, above: str | None = None) -> str | None:
    """The fact that a name says, as a clause's path below its phase; None for a name of the paper's own."""
    if (fact := fact_spoken(title)) is not None:
        return fact
    key = normal(spoken(title).replace(" ", "_"))
    known = meaning(key, above)
    if known is not None and not known.fact.startswith(("model.", "dataset.", "settings.")):
        return {"seed": "seeds"}.get(known.fact, known.fact.partition("|")[0])
    return ALSO.get(key)


def own_name(title: str) -> str:
    """What a setting that a paper calls so is called: its words, joined."""
    return re.sub(r"[^\w]+", "_", spoken(title)).strip("_") or title
