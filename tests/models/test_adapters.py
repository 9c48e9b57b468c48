"""LoRA adapters: the same as merging them, told apart by hash, refused where they do not fit."""

import copy
import json

import pytest
import torch
from tiny_models import ALL_SITES, LAYERS, fresh_model, random_tokens, site

from assay.errors import AssayError
from assay.models import capture, edit, generate, load_model, wrap_model

TOKENS = random_tokens(2, 7)
TOP = site(f"resid_post.{LAYERS - 1}")


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A random LoRA adapter over every linear layer of the tiny Llama, and the merged model."""
    import peft

    model = fresh_model("llama")
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    settings = peft.LoraConfig(r=3, lora_alpha=6, target_modules=names, init_lora_weights=False)
    torch.manual_seed(1)
    adapted = peft.get_peft_model(copy.deepcopy(model.module), settings)
    base, folder = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("adapter")
    model.module.save_pretrained(base)
    adapted.save_pretrained(folder)
    return base, folder, wrap_model(adapted.merge_and_unload(), name="merged")


def test_an_adapter_captures_edits_and_generates_as_the_merged_model(adapter):
    base, folder, merged = adapter
    adapted = load_model(str(base), adapter=folder, device="cpu")
    plain = load_model(str(base), device="cpu")
    seen, expected = capture(adapted, TOKENS, ALL_SITES), capture(merged, TOKENS, ALL_SITES)
    for where in ALL_SITES:
        torch.testing.assert_close(seen[where], expected[where], rtol=1e-3, atol=1e-5)
    assert not torch.allclose(seen[TOP], capture(plain, TOKENS, [TOP])[TOP], atol=1e-2)
    for where in (site("q.1"), site("z.1.h1"), site("mlp_out.0")):
        with edit(adapted, where, lambda x: -x), edit(merged, where, lambda x: -x):
            torch.testing.assert_close(
                capture(adapted, TOKENS, [TOP])[TOP],
                capture(merged, TOKENS, [TOP])[TOP],
                rtol=1e-3,
                atol=1e-5,
            )
    prompts = [[5, 6, 7], [8, 9, 10, 11, 12], [13, 14]]
    assert generate(adapted, prompts, max_new_tokens=5) == generate(
        merged, prompts, max_new_tokens=5
    )


def test_an_adapter_changes_the_fingerprint_and_not_the_hash_of_the_base(adapter):
    base, folder, _ = adapter
    adapted, plain = load_model(str(base), adapter=folder), load_model(str(base))
    assert adapted.base_sha256 == plain.base_sha256
    assert adapted.fingerprint != plain.fingerprint
    assert adapted.fingerprint == load_model(str(base), adapter=folder).fingerprint
    # Also where the adapter was put in place by somebody else, and by its scale alone.
    import peft

    wrapped = [
        wrap_model(peft.PeftModel.from_pretrained(load_model(str(base)).module, str(folder)))
        for _ in range(3)
    ]
    wrapped[2].blocks[0].mlp.up_proj.scaling["default"] = 0.5
    assert {model.base_sha256 for model in wrapped} == {plain.base_sha256}
    assert wrapped[0].fingerprint == wrapped[1].fingerprint
    assert len({model.fingerprint for model in (plain, wrapped[1], wrapped[2])}) == 3


def test_in_half_precision_and_at_shared_weights_the_layers_stay_beside_the_weights(
    adapter, tmp_path
):
    import peft

    base, folder, _ = adapter

    def has_lora(model):
        return any("lora_A" in name for name, _ in model.module.named_parameters())

    assert not has_lora(load_model(str(base), adapter=folder, device="cpu"))
    assert has_lora(load_model(str(base), adapter=folder, dtype="bfloat16", device="cpu"))
    tied = fresh_model("llama").module
    tied.config.tie_word_embeddings = True
    tied.tie_weights()
    tied.save_pretrained(tmp_path / "tied")
    settings = peft.LoraConfig(r=2, target_modules=["lm_head"], init_lora_weights=False)
    peft.get_peft_model(tied, settings).save_pretrained(tmp_path / "lora")
    assert has_lora(load_model(str(tmp_path / "tied"), adapter=tmp_path / "lora", device="cpu"))


def test_a_peft_model_in_memory_is_opened_up(adapter):
    import peft

    base, folder, merged = adapter
    inner = load_model(str(base), device="cpu").module
    wrapped = wrap_model(peft.PeftModel.from_pretrained(inner, str(folder)))
    torch.testing.assert_close(
        capture(wrapped, TOKENS, [TOP])[TOP],
        capture(merged, TOKENS, [TOP])[TOP],
        rtol=1e-3,
        atol=1e-5,
    )


@pytest.fixture
def base(adapter):
    return adapter[0]


def one_line(caught) -> str:
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def small(tmp_path):
    import peft

    settings = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    peft.get_peft_model(fresh_model("llama").module, settings).save_pretrained(tmp_path / "lora")
    return tmp_path / "lora"


def test_a_folder_that_is_no_adapter_is_named(base, small):
    with pytest.raises(AssayError, match=r"not a PEFT adapter: it has no adapter_config\.json"):
        load_model(str(base), adapter=base)
    (small / "adapter_model.safetensors").rename(small / "adapter_model.bin")
    with pytest.raises(AssayError, match="pickles are never read"):
        load_model(str(base), adapter=small)


def test_an_adapter_of_another_kind_or_another_model_is_named(base, small):
    path = small / "adapter_config.json"
    config = json.loads(path.read_text())
    for change, message in (
        ({"peft_type": "IA3"}, "of type IA3; valid: LORA"),
        ({"target_modules": ["no_such_layer"]}, "does not fit"),
        ({"target_modules": ["k_proj"]}, "does not fit"),
        ({"target_modules": ["q_proj", "k_proj"]}, "does not fit"),
        ({"r": 5}, "does not fit"),
    ):
        path.write_text(json.dumps({**config, **change}))
        with pytest.raises(AssayError, match=message) as caught:
            load_model(str(base), adapter=small)
        one_line(caught)


def test_a_truncated_adapter_is_one_line(base, small):
    weights = small / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(AssayError, match="truncated or damaged") as caught:
        load_model(str(base), adapter=small)
    one_line(caught)
