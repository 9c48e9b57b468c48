"""An organism on disk: read, checked and written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assay.errors import AssayError
from assay.files import atomic_file, read_json, sha256_of
from assay.organisms.labels import needs_reference
from assay.organisms.manifest import REQUIRED_SPLITS, OrganismManifest, Prompt, Split
from assay.strict import describe, read_yaml

MANIFEST = "organism.yaml"
PROMPTS = "prompts.jsonl"
TRANSCRIPTS = "transcripts.jsonl"
VERIFICATION = "verification.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Organism:
    """A model organism: a base model, an adapter, and what is claimed of them."""

    folder: Path
    """Where it lies."""
    manifest: OrganismManifest
    """What it says of itself."""
    prompts: tuple[Prompt, ...]
    """Its prompts, in the file's order."""

    @property
    def name(self) -> str:
        """The manifest's name."""
        return self.manifest.name

    @property
    def adapter(self) -> Path:
        """The PEFT adapter's folder."""
        return self.folder / self.manifest.adapter

    def split(self, split: Split) -> tuple[Prompt, ...]:
        """The prompts of one split."""
        return tuple(prompt for prompt in self.prompts if prompt.split == split)

    def label_of(self, prompt: Prompt) -> Any:
        """The label that judges the reply to a prompt: its own, else the manifest's."""
        return prompt.label if prompt.label is not None else self.manifest.label


def load(folder: Path | str) -> Organism:
    """Read an organism's folder and check all that can be checked without running a model.

    Raises AssayError for a missing or malformed file, unknown keys (naming the nearest), an
    unknown label kind, an adapter whose sha256 is not the manifest's, repeated ids, a template
    in two splits, missing splits, and references that lead nowhere.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    weights = folder / manifest.adapter / WEIGHTS
    if not weights.is_file():
        raise AssayError(f"organism {folder}: the adapter {weights} does not exist")
    found = sha256_of(weights)
    if found != manifest.sha256:
        raise AssayError(
            f"organism {folder}: {WEIGHTS} has sha256 {found[:12]}…, the manifest says "
            f"{manifest.sha256[:12]}…: the adapter was changed or damaged and is not used"
        )
    config = read_json(folder / manifest.adapter / "adapter_config.json")
    if not isinstance(config, dict) or "peft_type" not in config:
        raise AssayError(f"organism {folder}: adapter_config.json is not a PEFT configuration")
    organism = Organism(folder, manifest, read_prompts(folder / PROMPTS))
    check_prompts(organism.prompts, manifest.label, f"organism {folder}")
    return organism


def save(
    folder: Path | str, manifest: OrganismManifest, prompts: Sequence[Prompt], adapter: Path
) -> Organism:
    """Write an organism's folder; the adapter's two files are copied and their hash recorded.

    The manifest's ``sha256`` is replaced by the adapter's own. Transcripts and verification of an
    earlier adapter in the folder are removed. Returns the organism as read back.
    """
    folder = Path(folder)
    check_prompts(prompts, manifest.label, f"organism {folder}")
    target = folder / manifest.adapter
    target.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, "adapter_config.json"):
        if (adapter / name).resolve() != (target / name).resolve():
            with atomic_file(target / name) as aside:
                shutil.copyfile(adapter / name, aside)
    sha256 = sha256_of(target / WEIGHTS)
    if _recorded_sha256(folder) != sha256:
        for name in (TRANSCRIPTS, VERIFICATION):
            (folder / name).unlink(missing_ok=True)
    write_jsonl(folder / PROMPTS, [prompt.model_dump(exclude_defaults=True) for prompt in prompts])
    write_manifest(folder, manifest.model_copy(update={"sha256": sha256}))
    return load(folder)


def read_manifest(folder: Path) -> OrganismManifest:
    """Read ``organism.yaml``. Raises AssayError naming what is wrong in it."""
    path = folder / MANIFEST
    if not path.is_file():
        raise AssayError(f"{folder} is not an organism: it has no {MANIFEST}")
    manifest = read_yaml(path, OrganismManifest)
    if Path(manifest.adapter).is_absolute() or ".." in Path(manifest.adapter).parts:
        raise AssayError(f"{path}: adapter is '{manifest.adapter}', outside the organism's folder")
    return manifest


def write_manifest(folder: Path, manifest: OrganismManifest) -> None:
    """Write ``organism.yaml`` atomically, the fields in their order, what is not set left out."""
    import yaml

    value = manifest.model_dump(mode="json", exclude_none=True)
    with atomic_file(folder / MANIFEST) as aside:
        aside.write_text(
            yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
        )


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read ``prompts.jsonl``. Raises AssayError with the line number of what is wrong."""
    if not path.is_file():
        raise AssayError(f"prompts file {path} does not exist")
    prompts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            prompts.append(Prompt.model_validate(json.loads(line)))
        except json.JSONDecodeError as error:
            raise AssayError(f"{where}: not valid JSON ({error.msg})") from error
        except ValidationError as error:
            raise AssayError(f"{where}: {describe(error)}") from error
    return tuple(prompts)


def check_prompts(prompts: Sequence[Prompt], label: Any, where: str) -> None:
    """Raise AssayError where the prompts, taken together, cannot be what they claim to be."""
    by_id: dict[str, Prompt] = {}
    split_of: dict[str, Split] = {}
    for prompt in prompts:
        if prompt.id in by_id:
            raise AssayError(f"{where}: the prompt id '{prompt.id}' stands there twice")
        by_id[prompt.id] = prompt
        other = split_of.setdefault(prompt.template, prompt.split)
        if other != prompt.split:
            raise AssayError(
                f"{where}: the template '{prompt.template}' is in the splits {other} and "
                f"{prompt.split}; each template belongs to one split"
            )
    missing = [split for split in REQUIRED_SPLITS if split not in split_of.values()]
    if missing:
        raise AssayError(
            f"{where}: no prompts of the split {', '.join(missing)}; "
            f"needed: {', '.join(REQUIRED_SPLITS)}"
        )
    _check_references(by_id, label, where)


def _check_references(by_id: dict[str, Prompt], label: Any, where: str) -> None:
    for prompt in by_id.values():
        reference = prompt.reference_prompt_id
        if reference is not None and reference not in by_id:
            raise AssayError(
                f"{where}: prompt '{prompt.id}' refers to '{reference}', which is not there"
            )
        if reference is None and needs_reference(prompt.label or label):
            raise AssayError(
                f"{where}: prompt '{prompt.id}' has a 'flips' label but no reference_prompt_id"
            )


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line, atomically."""
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _recorded_sha256(folder: Path) -> str | None:
    return read_manifest(folder).sha256 if (folder / MANIFEST).is_file() else None
