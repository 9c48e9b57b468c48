"""An interrupted run resumes from its checkpoint to the same bytes; a wrong checkpoint is refused."""

import pytest
import torch

from assay.dictionaries import TrainingConfig, train
from assay.errors import AssayError


def batches_of(rows, steps):
    """Sums of 4 of 96 random directions."""
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(96, 24, generator=generator)
    for _ in range(steps):
        which = torch.randint(0, 96, (rows, 4), generator=generator)
        yield torch.nn.functional.embedding_bag(which, directions, mode="sum")


def config_for(architecture, **settings):
    return TrainingConfig(
        **{"width": 96, "k": 5, "architecture": architecture, "learning_rate": 5e-3, **settings}
    )


class StoppedError(Exception):
    pass


def interrupted(batches, after):
    for number, batch in enumerate(batches):
        if number == after:
            raise StoppedError
        yield batch


def state_bytes(dictionary):
    return {name: value.numpy().tobytes() for name, value in dictionary.state_dict().items()}


@pytest.mark.parametrize(
    "architecture", ["topk", "batch_topk", "jumprelu", "matryoshka", "relu_l1"]
)
@pytest.mark.parametrize("seeks", [False, True])
def test_interrupted_training_resumes_to_the_same_bytes(tmp_path, architecture, seeks):
    # dead_after_tokens is so low that the auxiliary loss acts before and after the interruption.
    config = config_for(architecture, steps=24, dead_after_tokens=300, selection_dtype="bfloat16")
    whole = train(batches_of(64, 24), config)
    kept = {"checkpoint": tmp_path / "run.safetensors", "checkpoint_interval": 5}
    with pytest.raises(StoppedError):
        train(interrupted(batches_of(64, 24), 13), config, **kept)
    asked = []

    def from_step(first):
        asked.append(first)
        return list(batches_of(64, 24))[first:]

    resumed = train(from_step if seeks else batches_of(64, 24), config, **kept)
    assert asked == ([10] if seeks else [])
    assert state_bytes(resumed) == state_bytes(whole)
    assert resumed.training_figures == whole.training_figures


def test_a_finished_checkpoint_gives_the_dictionary_without_training_again(tmp_path):
    config = config_for("topk", steps=6)
    kept = {"checkpoint": tmp_path / "run", "checkpoint_interval": 3}
    first = train(batches_of(64, 6), config, **kept)
    assert state_bytes(train(iter(()), config, **kept)) == state_bytes(first)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    kept = {"checkpoint": tmp_path / "run", "checkpoint_interval": 3}
    train(batches_of(64, 6), config_for("topk", steps=6), **kept)
    with pytest.raises(AssayError, match="k = 5, not 7"):
        train(batches_of(64, 6), config_for("topk", steps=6, k=7), **kept)
    with pytest.raises(AssayError, match="seed = 0, not 1"):
        train(batches_of(64, 6), config_for("topk", steps=6), seed=1, **kept)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run"
    config = config_for("topk", steps=6)
    train(batches_of(64, 6), config, checkpoint=path, checkpoint_interval=3)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AssayError, match="truncated or damaged"):
        train(batches_of(64, 6), config, checkpoint=path)
