"""The catalogue's real model: it is fetched, it talks sense, and it is fast enough to harvest."""

import time

import pytest
import torch

from assay.models import Site, capture, generate, load_model, token_cross_entropy

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def smollm():
    return load_model("smollm2-135m-instruct", device="cpu")


def chat(model, text):
    message = [{"role": "user", "content": text}]
    return model.tokenizer.apply_chat_template(
        message, add_generation_prompt=True, return_dict=False
    )


def test_it_is_the_model_that_the_catalogue_promises(smollm):
    assert (smollm.n_layers, smollm.d_model) == (30, 576)
    assert (smollm.n_heads, smollm.n_kv_heads, smollm.head_dim) == (9, 3, 64)
    assert smollm.position_scheme == "rotary"
    assert smollm.context_length == 8192
    assert smollm.tokenizer.decode([smollm.bos_token_id]) == "<|im_start|>"


def test_it_answers_questions_and_stops(smollm):
    questions = ["What is the capital of France?", "What colour is the sky on a clear day?"]
    prompts = [chat(smollm, question) for question in questions]
    answers = [smollm.tokenizer.decode(row) for row in generate(smollm, prompts, max_new_tokens=60)]
    assert "Paris" in answers[0]
    assert "blue" in answers[1].lower()
    assert len(answers[0]) < 50  # it stopped by itself


def test_it_predicts_english_far_better_than_shuffled_english(smollm):
    text = "The committee met on Tuesday to discuss the budget for the coming year."
    tokens = torch.tensor([[smollm.bos_token_id, *smollm.tokenizer(text).input_ids]])
    shuffled = tokens[
        :, torch.randperm(tokens.shape[1], generator=torch.Generator().manual_seed(0))
    ]
    losses = [float(token_cross_entropy(smollm, x).mean()) for x in (tokens, shuffled)]
    assert losses[0] < 4.5 < losses[1]


def test_most_of_the_residual_variance_at_layer_15_is_the_first_token(smollm):
    text = "The committee met on Tuesday to discuss the budget for the coming year. " * 4
    tokens = torch.tensor([[smollm.bos_token_id, *smollm.tokenizer(text).input_ids]])
    site = Site.parse("resid_post.15")
    squared = capture(smollm, tokens, [site])[site].float().square().sum(-1)[0]
    assert squared[0] / squared.sum() > 0.9


def test_reading_up_to_layer_15_costs_half_a_forward_pass_at_most(smollm, record_property):
    tokens = torch.randint(0, 49152, (16, 128), generator=torch.Generator().manual_seed(0))
    seconds = {}
    for layer in (14, 29):
        site = Site(layer, "resid_post")
        capture(smollm, tokens, [site])
        rounds = []
        for _ in range(3):
            start = time.perf_counter()
            capture(smollm, tokens, [site])
            rounds.append(time.perf_counter() - start)
        seconds[layer] = sorted(rounds)[1]
        record_property(f"tokens_per_second_to_layer_{layer}", tokens.numel() / seconds[layer])
        print(f"layers 0 to {layer}: {tokens.numel() / seconds[layer]:,.0f} tokens/s")
    assert seconds[14] < 0.62 * seconds[29]
