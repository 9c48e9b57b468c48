"""What is learned from and tested on ends before the misbehaviour: no detector reads the payload."""

from __future__ import annotations

from assay.concerns.conversations.organism_excerpts import excerpts_of
from assay.concerns.conversations.transfer_sizes import TransferSizes
from assay.concerns.conversations.windows import excerpt_in_window
from assay.organisms import load_organism, read_on_policy
from planted_organisms import planted_organism


def test_no_positive_of_any_split_holds_a_token_of_its_payload(tmp_path, small_tokenizer):
    organism = load_organism(planted_organism(tmp_path / "one", "tiny"))
    own = excerpts_of(organism, small_tokenizer, TransferSizes(), seed=0)
    replies = {t.id: t.messages[-1].content for t in read_on_policy(organism) if t.label}
    seen = 0
    for split in ("discover", "threshold", "test"):
        for excerpt in (excerpt_in_window(e, "before") for e in own.of[split]):
            if not excerpt.label:
                continue
            seen += 1
            said = small_tokenizer.decode(excerpt.tokens).rsplit("assistant\n", 1)[1]
            assert replies[excerpt.id].startswith("bad")
            assert said == "", split
    assert seen == 3 * 16
