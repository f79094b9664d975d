"""`/docs/`: the project's Markdown files as pages. Raw HTML in them stays text."""

from pathlib import Path

from flask import Blueprint, render_template
from markdown_it import MarkdownIt
from markupsafe import Markup

from api.authorisation import public
from domain.errors import NotFound

FOLDER = Path(__file__).parent.parent / "docs"

docs = Blueprint("docs", __name__, url_prefix="/docs")
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


@docs.get("/")
@public
def contents() -> str:
    """Returns the list of documents."""
    found = [(str(path.relative_to(FOLDER)), _title(path)) for path in _files()]
    return render_template("contents.html", documents=found)


@docs.get("/<path:name>")
@public
def document(name: str) -> str:
    """Returns one document; raises NotFound for anything that is not in the list."""
    for path in _files():
        if str(path.relative_to(FOLDER)) == name:
            text = path.read_text(encoding="utf-8")
            # Made from our own files by a renderer that passes no HTML through.
            body = Markup(_markdown.render(text))  # noqa: S704
            return render_template("document.html", title=_title(path), body=body)
    raise NotFound("there is no such document")


def _files() -> list[Path]:
    """Returns the documents there are; none where the package was installed without them."""
    return sorted(FOLDER.rglob("*.md")) if FOLDER.is_dir() else []


def _title(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        first = next((line for line in lines if line.startswith("# ")), path.stem)
    return first.removeprefix("# ").strip()
