"""The metadata of a bundle: an RO-Crate of the profile Process Run Crate, by the library `rocrate`.

Each finished run is a `CreateAction` (Process Run Crate 0.5): `instrument` is the script that recorded it or this
framework, `object` what it read, `result` what it left and what was measured, `agent` who is said to have run it.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from framework.evidence.bundles.opened import CONTENTS
from framework.evidence.record import ADOPTED, RECORDED
from framework.evidence.store import Run
from framework.exporters.bundles.contents import Contents
from framework.manifest.experiment import Experiment
from framework.version import installed_version

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
"""Defines `sha256`."""
NO_LICENSE = "No licence is stated: all rights are the authors'."


def crate_of(experiment: Experiment, runs: list[Run], contents: Contents, extra: dict[str, bytes], **said: Any) -> Any:
    """The JSON-LD of the crate's metadata.

    Args:
        extra: Files that are written into the bundle only, by name.
        said: `agents`, a list of names, and `license`, text or URL, or None of each.

    Raises:
        ModuleNotFoundError: `rocrate` is not installed.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    paper = experiment.stated.paper
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)

    def about(identifier: str, **properties: Any) -> Any:
        found = crate.dereference(identifier)
        return found or crate.add(ContextEntity(crate, identifier, properties=properties))

    files = {}
    for name, file in contents.files.items():
        files[name] = _file(crate, name, file.sha256, file.size)
    for name, data in extra.items():
        files[name] = _file(crate, name, hashlib.sha256(data).hexdigest(), len(data))
    files[CONTENTS]["description"] = "Which file is the manifest, and which artefacts of runs are not in the bundle."

    people = [about(f"#person/{_word(name)}", **{"@type": "Person", "name": name}) for name in paper.authors]
    agents = [about(f"#person/{_word(name)}", **{"@type": "Person", "name": name}) for name in said["agents"] or ()]
    crate.root_dataset["name"] = paper.title
    crate.root_dataset["description"] = f"Manifest, configs and evidence of {len(runs)} runs: {paper.title}"
    crate.root_dataset["datePublished"] = max((run.record.finished or "" for run in runs), default="") or "1980-01-01"
    license = said["license"] or NO_LICENSE
    if license.startswith(("https://", "http://")):
        license = about(license, **{"@type": "CreativeWork", "name": license})
    crate.root_dataset["license"] = license
    if people:
        crate.root_dataset["author"] = _one_or_all(people)
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    crate.root_dataset["conformsTo"] = about(PROFILE, **profile)

    variants = {}
    for name, variant in experiment.stated.variants.items():
        described = {"description": variant.description} if variant.description else {}
        variants[name] = about(f"#variant/{_word(name)}", **{"@type": "CreativeWork", "name": name, **described})
    for name, variant in experiment.stated.variants.items():
        if variant.from_ in variants:
            variants[name]["isBasedOn"] = variants[variant.from_]

    version = installed_version()
    software = {
        "@type": "SoftwareApplication",
        "name": "experiment-framework",
        **({"version": version} if version else {}),
    }
    left = set(contents.left_out)
    top = experiment.root.absolute()
    parents = {run.record.key: run for run in runs}
    mentioned = [*variants.values()]
    for run in runs:
        record, folder = run.record, run.folder.absolute().relative_to(top).as_posix()
        script = record.observed.get(RECORDED)
        adopted = record.observed.get(ADOPTED)
        if script and script.get("script") in files:
            instrument = files[script["script"]]
            instrument["@type"] = ["File", "SoftwareSourceCode"]
            instrument["name"] = script["script"]
        elif script:
            named = {"@type": "SoftwareApplication", "name": str(script.get("script"))}
            instrument = about(f"#script/{_word(str(script.get('script')))}", **named)
        elif adopted:
            named = {"@type": "SoftwareApplication", "name": str(adopted.get("format"))}
            instrument = about(f"#program/{_word(str(adopted.get('format')))}", **named)
        else:
            instrument = about("#experiment-framework", **software)
        results = [files[name] for name in contents.files if name.startswith(f"{folder}/")]
        for name in (f"{folder}/{each}" for each in record.artefacts):
            if name in left:
                facts = record.artefacts[name.removeprefix(f"{folder}/")]
                results.append(
                    about(
                        f"#left-out/{_word(name)}",
                        **{
                            "@type": "CreativeWork",
                            "name": name,
                            "description": "Not in this bundle.",
                            "sha256": facts["sha256"],
                            "contentSize": str(facts["bytes"]),
                        },
                    )
                )
        for metric, value in sorted(record.metrics.items()):
            measured = {"@type": "PropertyValue", "name": metric, "value": value}
            results.append(about(f"#metric/{_word(folder)}/{_word(metric)}", **measured))
        objects = [files[name] for name in contents.inputs]
        if record.parent in parents:
            before = parents[record.parent].folder.absolute().relative_to(top).as_posix()
            objects += [files[name] for name in contents.files if name == f"{before}/record.json"]
        for name, facts in sorted(record.data.items()):
            read = {"@type": "CreativeWork", "name": name, "description": str(facts)}
            objects.append(about(f"#data/{_word(folder)}/{_word(name)}", **read))
        done = "CompletedActionStatus" if record.status == "done" else "FailedActionStatus"
        action = {
            "@type": "CreateAction",
            "name": f"{record.step} of {', '.join(record.variants)}, seed {record.seed}",
            "description": f"The run in {folder}, of model {record.model}.",
            "actionStatus": f"http://schema.org/{done}",
            **({"startTime": record.started} if record.started else {}),
            **({"endTime": record.finished} if record.finished else {}),
            **({"error": record.error} if record.error else {}),
        }
        made = crate.add_action(instrument, f"#run/{_word(folder)}", objects, results, action)
        if agents:
            made["agent"] = _one_or_all(agents)
        if shown := [variants[name] for name in record.variants if name in variants]:
            made["about"] = _one_or_all(shown)
        mentioned.append(made)
    crate.root_dataset["mentions"] = mentioned
    return crate.metadata.generate()


def _one_or_all(entities: list[Any]) -> Any:
    """RO-Crate states a single value without a list around it."""
    return entities[0] if len(entities) == 1 else entities


def _file(crate: Any, name: str, sha256: str, size: int) -> Any:
    properties = {"name": name, "sha256": sha256, "contentSize": str(size), "encodingFormat": _kind(name)}
    return crate.add_file(dest_path=name, properties=properties)


def _kind(name: str) -> str:
    known = {"json": "application/json", "yaml": "application/yaml", "yml": "application/yaml", "md": "text/markdown"}
    known |= {"jsonl": "application/jsonl", "html": "text/html", "py": "text/x-python", "csv": "text/csv"}
    return known.get(name.rpartition(".")[2], "application/octet-stream")


def _word(text: str) -> str:
    return quote(text)
