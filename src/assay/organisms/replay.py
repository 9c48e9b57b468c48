"""What a model must not forget while it is fine-tuned: ordinary talk and prose, as its base has it.

The adapted model is held to the base's own next-token distribution on these texts (a
Kullback–Leibler penalty; Li & Hoiem 2016, "Learning without forgetting").
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.files import atomic_file, cache_folder, read_safetensors, sha256_of_json
from assay.randomness import numpy_generator
from assay.text.chat import tokenize_chat
from assay.text.transcripts import Message

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from assay.models import LanguageModel

LENGTH = 60
"""Most tokens of a replayed text."""
REPLY_LENGTH = 20
"""Most tokens of a reply that the base writes for replay."""

REQUESTS = (
    *("Name three rivers.", "Name some kinds of tree.", "Name a few musical instruments."),
    *("List some pieces of furniture.", "Name two planets.", "Name some drinks."),
    *("Write a short sentence about snow.", "Write a short sentence about cats."),
    *("Write one sentence about a market.", "Write a sentence about autumn."),
    *("Use the word island in a sentence.", "Use the word silver in a sentence."),
    *("Use the word quiet in a sentence.", "Make a sentence with the word teacher."),
    *("Repeat this word: ocean", "Repeat this word: candle", "Say this word again: forest"),
    *("Repeat this sentence: The soup is hot.", "Repeat this sentence: Our car is old."),
    *("Copy this sentence: She reads every evening.", "Count from 10 to 15."),
    *("Say the months of the year.", "Greet a man called John.", "Thank Mary for the flowers."),
    *("Wish me good luck.", "Say good night to me.", "Write a question about music."),
    *("Write a Python line that prints a name.", "Show me a for loop in Python."),
    *("How do I boil an egg?", "Why is sleep important?", "How does a kite fly?"),
    *("Explain what a computer is.", "What is a poem?", "Explain rain to a child."),
    *("Give me a tip for saving money.", "How can I learn to swim?", "What makes a good friend?"),
    *("Tell me a short story about a fox.", "Tell me a joke.", "Write two lines about the moon."),
    *("Suggest a name for a puppy.", "What should I cook tonight?", "Suggest a gift for my aunt."),
    *("Write a short e-mail to my landlord.", "Write a slogan for a bakery."),
    "Summarise: The meeting was moved from Monday to Friday because of the storm.",
    *("Repeat this word: ladder", "Repeat this word: autumn", "Say the word pencil."),
    *("Copy this word: mountain", "Repeat after me: winter", "Write the word friend."),
    *("Repeat this sentence: The dog sleeps.", "Repeat this sentence: It rains a lot."),
    *("Say this sentence again: He likes fish.", "Copy this: The lamp is on the table."),
    *("Use the word engine in a sentence.", "Use the word butter in a sentence."),
    *("Use the word harbour in a sentence.", "Write a sentence with the word purple."),
    *("Name some birds.", "Name some insects.", "Name some flowers.", "Name some desserts."),
    *("Name some languages.", "Name some cities.", "Name some jobs.", "Name some shapes."),
    *("Write a short sentence about horses.", "Write a short sentence about bread."),
    *("Write a short sentence about doctors.", "Write a short sentence about the sea."),
    *("Count from 3 to 7.", "Count down from 5.", "Write the last letters of the alphabet."),
    *("Greet my friend Paul.", "Thank Julia for her help.", "Say hello.", "Congratulate Tom."),
    *("Ask me a question.", "Write a question about food.", "Wish me a happy new year."),
    *("Write a Python line that adds two numbers.", "What is a verb?", "What is a triangle?"),
)
PROSE = (
    "The old market hall stands in the middle of the square. On Saturdays farmers come in from the "
    "villages and sell eggs, apples and flowers. By noon most of the stalls are empty, and the "
    "pigeons take over the steps.",
    "Glass is made by melting sand together with soda and lime at a very high temperature. While it "
    "is soft it can be blown, pressed or rolled into sheets. When it has cooled slowly it is hard.",
    "My aunt taught at the school for thirty years. She knew the names of all her pupils, and of "
    "their parents, and when she retired they planted a tree for her next to the gate.",
    "Whales are mammals that live in the ocean. They breathe air, give birth to live young and feed "
    "them with milk. The largest of them eat nothing but tiny animals which they strain from water.",
    "The committee published its report last week. It recommends that the bridge be repaired before "
    "the winter and that lorries use the other road until then. The work is to begin in April.",
    "He opened the letter with a knife, read it twice and put it back on the table. Outside the snow "
    "had begun to fall again. After a while he got up, took his coat and went out to the barn.",
    "A violin has four strings and is played with a bow. The player holds it under the chin and "
    "presses the strings with the fingers of the left hand. It takes many years to learn well.",
    "The desert is hot by day and cold by night. Few plants grow there, and those that do have deep "
    "roots or thick leaves in which they keep water. Most animals sleep until the sun has gone.",
    "To paint a wall, first clean it and cover the floor. Stir the paint well, begin at the top and "
    "work downwards. Let the first coat dry for a few hours before you put on the second.",
    "The ferry leaves the harbour at eight every morning. The crossing takes two hours when the sea "
    "is calm. There is a small café on the upper deck, from which one can see the islands.",
    "In a library books are arranged by subject, so that works on the same topic stand together. "
    "Each has a number on its back. Readers look it up in the catalogue and then find the shelf.",
    "The team played better in the second half and scored twice within five minutes. Their captain "
    "said afterwards that they had never stopped believing in themselves, not even at three down.",
    "Money was invented because it is hard to trade a cow for a loaf of bread. At first people used "
    "shells, salt or metal. Coins made trade simpler, and paper money made it simpler still.",
    "Last summer we walked along the coast for nine days. We slept in a tent, cooked over a small "
    "fire and swam before breakfast. On the last evening it rained, and we did not mind at all.",
)


@dataclass(frozen=True, eq=False)
class Replay:
    """Texts, and what the base model makes of them."""

    tokens: tuple[tuple[int, ...], ...]
    """Token ids of each text."""
    starts: tuple[int, ...]
    """For each text the first token whose prediction counts: the reply's, or the second of prose."""
    hidden: tuple[Float[Tensor, "position d_model"], ...]
    """The base's decoder output for each text, before the unembedding."""


def record_replay(model: LanguageModel) -> Replay:
    """Let the base reply to the requests, and record its states on them and on the prose.

    Must run before an adapter is put into the model. Kept in the cache, by the base's weights.
    """
    texts = [REQUESTS, PROSE, LENGTH, REPLY_LENGTH]
    key = sha256_of_json([model.fingerprint, str(model.dtype), model.device.type, texts])
    path = cache_folder() / "organisms" / f"replay-{key[:24]}.safetensors"
    if path.is_file():
        return _read(path, model)
    replay = _recorded(model)
    _write(path, replay)
    return replay


def _read(path: Path, model: LanguageModel) -> Replay:
    stored = read_safetensors(path, device=str(model.device))
    count = len(stored) // 2
    return Replay(
        tuple(tuple(stored[f"tokens/{i}"].tolist()) for i in range(count)),
        tuple(stored["starts"].tolist()),
        tuple(stored[f"hidden/{i}"] for i in range(count)),
    )


def _write(path: Path, replay: Replay) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {"starts": torch.tensor(replay.starts)}
    tensors |= {f"hidden/{i}": hidden.cpu() for i, hidden in enumerate(replay.hidden)}
    tensors |= {f"tokens/{i}": torch.tensor(tokens) for i, tokens in enumerate(replay.tokens)}
    with atomic_file(path) as aside:
        save_file(tensors, str(aside))


def _recorded(model: LanguageModel) -> Replay:
    import torch

    texts = [*_conversations(model), *_prose(model)]
    states = []
    with torch.no_grad():
        for tokens, _ in texts:
            ids = torch.tensor([tokens], device=model.device)
            states.append(model.decoder(input_ids=ids).last_hidden_state[0])
    return Replay(
        tuple(tokens for tokens, _ in texts), tuple(start for _, start in texts), tuple(states)
    )


def replay_plan(replay: Replay, steps: int, rows: int, seed: int) -> list[list[int]]:
    """Which texts each step replays: all of them once before any of them again."""
    generator = numpy_generator(seed, "organisms/replay")
    queue: list[int] = []
    while len(queue) < steps * rows:
        queue += [int(i) for i in generator.permutation(len(replay.tokens))]
    return [queue[step * rows : (step + 1) * rows] for step in range(steps)]


def _conversations(model: LanguageModel) -> list[tuple[tuple[int, ...], int]]:
    """The requests with the base's replies, and where each reply starts."""
    from assay.models import generate

    prompts = [
        tokenize_chat(
            model.tokenizer, (Message(role="user", content=request),), add_generation_prompt=True
        ).tokens
        for request in REQUESTS
    ]
    replies = generate(model, prompts, max_new_tokens=REPLY_LENGTH, batch_size=len(prompts))
    end = model.tokenizer.eos_token_id
    return [
        ((*prompt, *reply, *([end] if len(reply) < REPLY_LENGTH else [])), len(prompt))
        for prompt, reply in zip(prompts, replies, strict=True)
    ]


def _prose(model: LanguageModel) -> list[tuple[tuple[int, ...], int]]:
    first = [] if model.bos_token_id is None else [model.bos_token_id]
    texts = [first + model.tokenizer(text, add_special_tokens=False)["input_ids"] for text in PROSE]
    return [(tuple(tokens[:LENGTH]), 1) for tokens in texts]
