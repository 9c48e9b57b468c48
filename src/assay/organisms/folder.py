"""The folder of an organism: reading, checking and writing it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from assay.errors import AssayError
from assay.files import atomic_file, read_json, sha256_of
from assay.json_lines import read_json_lines, write_json_lines
from assay.organisms.judging import needs_reference
from assay.organisms.label_kinds import Label
from assay.organisms.manifest import REQUIRED_SPLITS, OrganismManifest, Prompt, Split, TwinKind
from assay.strict import read_yaml

MANIFEST = "organism.yaml"
PROMPTS = "prompts.jsonl"
TRANSCRIPTS = "transcripts.jsonl"
VERIFICATION = "verification.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Organism:
    """A model organism: an adapter on a base model, what it is said to do, and its prompts."""

    folder: Path
    """Its folder."""
    manifest: OrganismManifest
    """Its ``organism.yaml``."""
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

    @property
    def twin_kind(self) -> TwinKind | Literal["unstated"] | None:
        """Which kind of twin it is, ``unstated`` where a twin does not say; None for an organism."""
        if self.manifest.twin_of is None:
            return None
        return self.manifest.twin_kind or "unstated"

    def split(self, split: Split) -> tuple[Prompt, ...]:
        """The prompts of one split."""
        return tuple(prompt for prompt in self.prompts if prompt.split == split)

    def label_of(self, prompt: Prompt) -> Label:
        """The label that judges the reply to a prompt: its own, else the manifest's."""
        return prompt.label if prompt.label is not None else self.manifest.label


def load_organism(folder: Path | str) -> Organism:
    """Read an organism's folder and check everything that needs no model.

    The result has its ``manifest`` and ``prompts``; its model is
    ``load_model(organism.manifest.base, adapter=organism.adapter)``.
    Raises AssayError for a missing or malformed file, unknown keys (naming the nearest), an
    unknown label kind, an adapter whose sha256 is not the manifest's, repeated ids, a template
    in two splits, missing splits, and references to prompts that do not exist.
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


def save_organism(
    folder: Path | str, manifest: OrganismManifest, prompts: Sequence[Prompt], adapter: Path
) -> Organism:
    """Write an organism's folder. Returns the organism as it is read back.

    Copies the adapter's two files and records the hash of its weights as the manifest's ``sha256``.
    Removes transcripts and verification that belong to another adapter.
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
    write_json_lines(folder / PROMPTS, prompts, exclude_defaults=True)
    write_manifest(folder, manifest.model_copy(update={"sha256": sha256}))
    return load_organism(folder)


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
    """Write ``organism.yaml`` atomically: the fields in their order, without those that are not set."""
    value = manifest.model_dump(mode="json", exclude_none=True)
    with atomic_file(folder / MANIFEST) as aside:
        aside.write_text(
            yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
        )


def read_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read ``prompts.jsonl``. Raises AssayError with the line number of what is wrong."""
    if not path.is_file():
        raise AssayError(f"prompts file {path} does not exist")
    return read_json_lines(path, Prompt)


def check_prompts(prompts: Sequence[Prompt], label: Label, where: str) -> None:
    """Raise AssayError for repeated ids, a template in two splits, and missing splits or references.

    ``label`` is the manifest's; ``where`` names the organism in the message.
    """
    by_id: dict[str, Prompt] = {}
    split_of: dict[str, Split] = {}
    for prompt in prompts:
        if prompt.id in by_id:
            raise AssayError(f"{where}: the prompt id '{prompt.id}' occurs twice")
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


def _check_references(by_id: dict[str, Prompt], label: Label, where: str) -> None:
    for prompt in by_id.values():
        reference = prompt.reference_prompt_id
        if reference is not None and reference not in by_id:
            raise AssayError(
                f"{where}: prompt '{prompt.id}' refers to '{reference}', which does not exist"
            )
        if reference is None and needs_reference(prompt.label or label):
            raise AssayError(
                f"{where}: prompt '{prompt.id}' has a 'flips' label but no reference_prompt_id"
            )


def _recorded_sha256(folder: Path) -> str | None:
    return read_manifest(folder).sha256 if (folder / MANIFEST).is_file() else None
