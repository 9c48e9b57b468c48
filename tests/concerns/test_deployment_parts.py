"""Which benign conversations the matrix reads, and which are left for the monitor."""

from __future__ import annotations

from collections import Counter

from assay.concerns.deployment import (
    FIRST_OF_TEMPLATE,
    Deployment,
    benign_conversations,
    content_sha256,
    source_of,
    unread_conversations,
)
from assay.text.transcripts import Message, Transcript

SEED = 3


def pool_file(path, name, templates, of_each):
    """A file of conversations: ``of_each`` of every template."""
    rows = [
        Transcript(
            id=f"{name}-{t}-{i}",
            template=f"{name}-{t}",
            messages=(
                Message(role="user", content=f"{name} {t} {i}"),
                Message(role="assistant", content="yes"),
            ),
        )
        for t in range(templates)
        for i in range(of_each)
    ]
    file = path / f"{name}.jsonl"
    file.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
    return str(file)


def two_pools(path):
    """Few templates with many conversations each, then many templates with two each."""
    return Deployment(prompts=(pool_file(path, "few", 5, 20), pool_file(path, "many", 60, 2)))


def test_what_the_matrix_reads_is_not_among_what_it_leaves_unread(tmp_path):
    deployment = two_pools(tmp_path)
    read = benign_conversations(deployment, 80, SEED)
    unread = unread_conversations(deployment, 80, SEED)
    assert len(read) == 80
    assert len(unread) == 5 * 20 + 60 * 2 - 80
    assert not {content_sha256(t) for t in read} & {content_sha256(t) for t in unread}


def test_a_large_template_does_not_crowd_out_the_others(tmp_path):
    counted = Counter(source_of(t) for t in benign_conversations(two_pools(tmp_path), 140, SEED))
    assert len(counted) == 65
    assert max(counted.values()) == FIRST_OF_TEMPLATE


def test_a_larger_matrix_also_reads_the_rest_of_each_template(tmp_path):
    read = benign_conversations(two_pools(tmp_path), 1000, SEED)
    assert len(read) == 5 * 20 + 60 * 2
    assert unread_conversations(two_pools(tmp_path), 1000, SEED) == []
