"""Write the JSON schema of every result and of the organism's files beside this file."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import assay
from assay.results import results_known


def main() -> None:
    for module in pkgutil.walk_packages(assay.__path__, "assay."):
        importlib.import_module(module.name)
    for kind in results_known():
        name = kind.FILE.removesuffix(".json").removesuffix(".lock")
        text = json.dumps(kind.schema_of_file(), indent=1, ensure_ascii=False)
        (Path(__file__).parent / f"{name}.schema.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}.schema.json")


if __name__ == "__main__":
    main()
