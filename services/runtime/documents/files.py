"""Documents out of files, by their suffix."""

from __future__ import annotations

from pathlib import Path

from services.kernel.errors import Violation
from services.runtime.documents.faults import document_invalid
from services.runtime.documents.json_values import read_json
from services.runtime.documents.yaml_values import read_yaml


def read_document(path: Path) -> object:
    """A file by its suffix: `.json` as JSON, `.yaml` or `.yml` as YAML. Raises DOCUMENT_INVALID."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return read_json(data, path.name)
    if path.suffix in (".yaml", ".yml"):
        return read_yaml(data, path.name)
    raise document_invalid([Violation("", "suffix", ".json, .yaml or .yml")], path.name)
