"""The sandboxed jinja environment, and where templates come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from framework.errors import InputError
from framework.locations import Location
from framework.manifest.clauses import shown
from framework.manifest.experiment import Experiment


def packaged() -> Path:
    """The folder of the packaged templates: beside this package in a checkout, within it when installed."""
    here = Path(__file__).parent
    installed = here / "templates"
    return installed if installed.is_dir() else here.parent / "templates"


def environment(experiment: Experiment) -> ImmutableSandboxedEnvironment:
    """An environment in which a template reads the manifest and the evidence and can do nothing else.

    The project's own folder (`documents.templates` in the manifest) goes before the packaged templates.

    Raises:
        InputError: the project's folder does not exist.
    """
    folders = [packaged()]
    own = experiment.stated.documents.templates
    if own is not None:
        folder = experiment.root / own
        if not folder.is_dir():
            raise InputError.at(experiment.location(("documents", "templates")), f"no folder {own!r}")
        folders.insert(0, folder)
    made = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=_is_page,
    )
    made.filters["cell"] = cell
    made.filters["code"] = code
    made.filters["shown"] = shown
    made.filters["count"] = lambda value: f"{value:,}"
    made.filters["shown_count"] = lambda value: f"{value:,}" if isinstance(value, int) else str(value)
    made.filters["origin"] = _origin
    return made


def _is_page(template: str | None) -> bool:
    """Whether what a template is given must be escaped: Markdown has no signs that every value would have to mind."""
    return template is not None and template.endswith(".html.j2")


def render(experiment: Experiment, template: str, context: dict[str, Any]) -> str:
    """One document.

    Raises:
        InputError: the template is missing or broken; where, and why.
    """
    made = environment(experiment)
    try:
        return made.get_template(template).render(context)
    except TemplateSyntaxError as problem:
        raise InputError.at(Location(problem.filename or template, problem.lineno, 1), str(problem.message)) from None
    except TemplateError as problem:
        raise InputError.at(_place(problem, template), f"{type(problem).__name__}: {problem.message}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as problem:
        # The context is made before; what a template does with it is the template's own.
        raise InputError.at(_place(problem, template), f"{type(problem).__name__}: {problem}") from None


def _place(problem: Exception, template: str) -> Location:
    """The template line that failed, from the traceback that jinja rewrites to template lines."""
    trace, place = problem.__traceback__, Location(template, 1, 1)
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.endswith((".j2", ".md", ".html")):
            place = Location(name, trace.tb_lineno, 1)
        trace = trace.tb_next
    return place


def code(text: str) -> str:
    """Text in backticks in a cell of a Markdown table: a bar would end the cell there, too."""
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def _origin(model: Any) -> str:
    """Where a model comes from, as far as it is stated."""
    if model.path or model.hub:
        return f"{model.path or model.hub} ({model.weights})"
    return "initialised (random)" if model.weights == "random" else "not stated"


def cell(value: Any) -> str:
    """A value in a cell of a Markdown table: one line, no bars, nothing that reads as HTML."""
    text = shown(value) if not isinstance(value, str) else value
    text = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return text.replace("<", "&lt;").replace(">", "&gt;")
