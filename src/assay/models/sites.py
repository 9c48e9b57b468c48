"""Where in a model activations are read and edited."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.errors import AssayError

KINDS = ("resid_pre", "resid_post", "attn_out", "mlp_out", "q", "k", "v", "z")
"""Kinds of site: the residual stream before and after a block, what attention and MLP add to it,
queries, keys, values, and the outputs of the heads before the output projection."""
HEAD_KINDS = ("q", "k", "v", "z")
"""Kinds of site that are made of heads."""

_OWN = re.compile(r"^(?P<kind>[a-z_]+)\.(?P<layer>\d+)(?:\.h(?P<head>\d+))?$")
_TRANSFORMER_LENS = re.compile(r"^blocks\.(?P<layer>\d+)\.(?:attn\.|)hook_(?P<kind>[a-z_]+)$")


@dataclass(frozen=True, order=True)
class Site:
    """A hook site: a stream of activations inside one layer of a model.

    Wherever a site is taken, its name will do: ``resid_post.15`` is the residual stream after block
    15. ``Site.parse`` reads a name, ``str(site)`` gives it back.
    """

    layer: int
    """Index of the layer, from 0."""
    kind: str
    """One of KINDS. q, k and v are taken before rotation; z before the output projection."""
    head: int | None = None
    """For q, k, v, z: one head (a key-value head for k and v); None means all, concatenated."""

    @classmethod
    def parse(cls, name: str) -> Site:
        """Read ``resid_post.15``, ``q.3.h2`` or TransformerLens's ``blocks.15.hook_resid_post``.

        Raises AssayError for anything else, with the valid kinds.

        >>> Site.parse("q.3.h2")
        Site(layer=3, kind='q', head=2)
        >>> str(Site.parse("blocks.15.hook_resid_post"))
        'resid_post.15'
        """
        match = _OWN.match(name) or _TRANSFORMER_LENS.match(name)
        if match is None or match["kind"] not in KINDS:
            raise AssayError(
                f"unknown site '{name}'; a site is KIND.LAYER, such as resid_post.15 or q.3.h2, "
                f"with KIND one of {', '.join(KINDS)}"
            )
        head = match.groupdict().get("head")
        site = cls(int(match["layer"]), match["kind"], None if head is None else int(head))
        if site.head is not None and site.kind not in HEAD_KINDS:
            raise AssayError(
                f"site '{name}' names a head, but only {', '.join(HEAD_KINDS)} have heads"
            )
        return site

    @classmethod
    def of(cls, value: Site | str) -> Site:
        """A site as it is, or parsed from its name. Raises AssayError for a name that is no site."""
        return value if isinstance(value, Site) else cls.parse(value)

    def __str__(self) -> str:
        return f"{self.kind}.{self.layer}" + ("" if self.head is None else f".h{self.head}")
