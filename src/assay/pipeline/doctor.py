"""Findings about this machine: versions, arithmetic, GPU, cache and disk."""

from __future__ import annotations

import os
import platform
import shutil
from importlib import metadata

import torch

import assay
from assay.files import cache_folder

PACKAGES = ("torch", "transformers", "peft", "safetensors", "numpy", "scipy", "altair")


def examine() -> dict[str, str]:
    """Name → finding."""
    findings = {"assay": assay.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            findings[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            findings[package] = "missing: pip install " + package
    findings["cpu cores"] = f"{os.cpu_count()} ({torch.get_num_threads()} threads in torch)"
    capability = torch.backends.cpu.get_cpu_capability()
    bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    findings["cpu arithmetic"] = (
        f"{capability}, bf16 {'native' if bf16 else 'emulated: use float32'}"
    )
    cuda = torch.cuda.is_available()
    findings["gpu"] = torch.cuda.get_device_name(0) if cuda else "none: everything runs on the CPU"
    findings["cache"] = str(cache_folder())
    free = shutil.disk_usage(existing_parent(str(cache_folder()))).free
    findings["free disk"] = f"{free / 2**30:.0f} GiB"
    browser = shutil.which(os.getenv("ASSAY_CHROMIUM", "chromium"))
    findings["chromium (tests only)"] = browser or "missing: the report's tests need it"
    return findings


def existing_parent(path: str) -> str:
    """The deepest existing folder among ``path`` and its parents."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
