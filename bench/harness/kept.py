"""Files that take long to make: made once, kept in the build folder, and checked before they are
used again."""

import hashlib
import json
import pathlib

from harness.figures import Trouble


def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def note_of(path):
    return path.with_name(path.name + ".json")


def is_whole(path, recipe):
    """Whether the file is there, made by this recipe, and has not changed since. Reading all of it
    also brings it into the page cache, for whoever is measured next."""
    try:
        note = json.loads(note_of(path).read_text())
        return (note["recipe"] == recipe and path.stat().st_size == note["bytes"]
                and digest(path) == note["sha256"])
    except (OSError, ValueError, KeyError):
        return False


def keep(path, recipe, make, say=lambda text: None):
    """Sees to it that there is `path`, and returns what make() told of it: a dictionary. `recipe`
    is what it is made of and how, as text: another recipe makes another file. make(partial) fills
    a file of another name, which gets this one once it is whole."""
    path, note = pathlib.Path(path), note_of(path)
    if is_whole(path, recipe):
        return json.loads(note.read_text())["told"]
    path.parent.mkdir(parents=True, exist_ok=True)
    note.unlink(missing_ok=True)
    partial = path.with_name(path.name + ".partial")
    say(f"making {path}")
    try:
        told = make(partial)
        if not partial.exists():
            raise Trouble(f"{path} was not made")
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    note.write_text(json.dumps({"recipe": recipe, "bytes": path.stat().st_size,
                                "sha256": digest(path), "told": told}))
    return told
