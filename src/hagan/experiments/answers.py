"""Answers of computations, each found once: what was answered is kept in a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hagan.data.files import make_folder, write_bytes_atomically
from hagan.errors import BadInputError


class Answers:
    """A folder of answers; one counts for the very question that it was given to."""

    def __init__(self, folder: Path) -> None:
        """Set up.

        Args:
            folder: Where answers are kept, a file each; made when the first one is written.
        """
        self.folder = folder

    def get(
        self, name: str, question: Mapping[str, Any], compute: Callable[[], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """The kept answer, or what is found now.

        Args:
            name: Of the file; strokes become folders.
            question: All that the answer depends on, as plain values: settings, seeds, and the
                hashes of files.
            compute: Finds plain values.

        Returns:
            The answer as JSON holds it: lists for tuples, text for keys.

        Raises:
            BadInputError: The file is not an answer.
            DiskError: It cannot be written.
        """
        kept = self.kept(name, question)
        return self.keep(name, question, compute()) if kept is None else kept

    def kept(self, name: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
        """The kept answer, or None; see `get`.

        Raises:
            BadInputError: The file is not an answer.
        """
        path = self._path(name)
        if not path.is_file():
            return None
        try:
            content = json.loads(path.read_text("utf-8"))
            was_asked, answer = content["question"], dict(content["answer"])
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError(
                f"{path}: not an answer that this command kept ({error!r}); remove it"
            ) from error
        return answer if was_asked == json.loads(json.dumps(question)) else None

    def keep(
        self, name: str, question: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Keep an answer, and give it as JSON holds it; see `get`.

        Raises:
            DiskError: It cannot be written.
        """
        path = self._path(name)
        text = json.dumps({"question": question, "answer": dict(answer)}, indent=1)
        make_folder(path.parent)
        write_bytes_atomically(path, (text + "\n").encode())
        found: dict[str, Any] = json.loads(text)["answer"]
        return found

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def digest_of(*texts: str) -> str:
    """A short hash of several texts, for a question about long ones."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
