"""Registries: detectors, strategies, recipes and so on by name, Assay's and those of plugins.

Assay's entries are imported when they are first looked up. A third party adds entries through the
entry point group ``assay.plugins``: each entry point names a function without arguments, which is
called once and registers the plugin's entries.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from assay.errors import AssayError, unknown_name

PLUGINS = "assay.plugins"
"""The entry point group for plugins of third parties."""
Value = TypeVar("Value")


class Registry(Mapping[str, Value], Generic[Value]):
    """A mapping from names to values, in the order of registration.

    Listing, counting and looking up an unknown name load the plugins first.
    """

    def __init__(self, kind: str, own: Mapping[str, str]) -> None:
        """``kind`` names the values in messages; ``own`` maps Assay's names to ``module:attribute``."""
        self.kind = kind
        self._places = dict(own)
        self._values: dict[str, Value] = {}

    def register(self, name: str, value: Value) -> Value:
        """Add a value under a name, and return it. Raises AssayError where the name is taken."""
        if name in self._places or name in self._values:
            raise AssayError(f"a {self.kind} named '{name}' is already registered")
        self._values[name] = value
        return value

    def __getitem__(self, name: str) -> Value:
        """The value of a name. Raises AssayError, listing the valid names, for an unknown name."""
        if name not in self._values and name in self._places:
            module, attribute = self._places[name].split(":")
            self._values[name] = getattr(importlib.import_module(module), attribute)
        if name not in self._values:
            load_plugins()
        if name not in self._values:
            raise unknown_name(self.kind, name, self)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(dict.fromkeys([*self._places, *self._values]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        if name in self._places or name in self._values:
            return True
        load_plugins()
        return name in self._values


@cache
def load_plugins() -> None:
    """Call every entry point of the group ``assay.plugins`` once.

    Raises AssayError, naming the plugin, where a plugin cannot be loaded.
    """
    for plugin in entry_points(group=PLUGINS):
        try:
            register: Any = plugin.load()
            register()
        except Exception as error:
            raise AssayError(
                f"the plugin '{plugin.name}' ({plugin.value}) failed: {error}"
            ) from error
