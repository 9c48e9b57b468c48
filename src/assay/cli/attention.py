"""`assay qk`: the query–key dictionary of a layer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.printing import AsJson, Seed, show


def qk(
    model: str,
    layer: Annotated[int, typer.Option(help="Index of the layer.")],
    text: Annotated[str, typer.Option(help="Corpus, several joined by '+', or a file.")],
    out: Annotated[Path, typer.Option(help="Folder for qk.json, qk.html and the dictionary.")],
    tokens: Annotated[int, typer.Option(help="Tokens to learn from.")] = 197_000,
    length: Annotated[int, typer.Option(help="Tokens in a crop.")] = 128,
    rows: Annotated[int, typer.Option(help="Held-out crops to measure on.")] = 192,
    width: Annotated[int, typer.Option(help="Features of queries, and as many of keys.")] = 512,
    k: Annotated[int, typer.Option(help="Features active on a token, on each side.")] = 16,
    warm_steps: Annotated[
        int, typer.Option(help="Steps on queries and keys themselves, before the patterns.")
    ] = 400,
    steps: Annotated[int, typer.Option(help="Steps on the attention patterns.")] = 200,
    adapter: Annotated[str | None, typer.Option(help="PEFT folder.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or bfloat16.")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Explain a layer's attention by sparse features of queries and keys; audit their positions."""
    from assay.attention import QKSettings
    from assay.pipeline.qk_command import HTML, QKRequest, explain_attention
    from assay.reporting.qk_page import side_in_words

    request = QKRequest(
        model=model,
        layer=layer,
        text=text,
        tokens=tokens,
        length=length,
        rows=rows,
        settings=QKSettings(width=width, k=k, warm_steps=warm_steps, steps=steps),
        adapter=adapter,
        dtype=dtype,
        seed=seed,
    )
    result = explain_attention(request, out)
    lines = [side_in_words(side) for side in result.sides]
    lines.append(
        f"{'head':>4} {'sink':>6} {'mean pattern':>12} {'squared error':>13} {'patterns':>8}"
    )
    for head in result.heads:
        kl0 = [head.of(v).kl0 for v in ("mean pattern", "mean squared error", "patterns")]
        lines.append(
            f"{head.head:>4} {head.sink:>6.2f} {kl0[0]:>12.3f} {kl0[1]:>13.3f} {kl0[2]:>8.3f}"
        )
    lines.append("KL without the sink, nats: smaller is closer to the model's attention")
    show(result.model_dump(mode="json"), as_json, [*lines, str(out / HTML)])
