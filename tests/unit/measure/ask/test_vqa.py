"""BLIP's question answering: the likeliest value, by the network's own loss; what it cannot answer is refused."""

import copy
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import vision_language
from PIL import Image

from studium.core.variable import Value, Variable
from studium.errors import InputError, MediaError, WeightsError
from studium.measure.ask.chat import Chat, provider_on_this_machine
from studium.measure.ask.prompt import prompt_of
from studium.measure.ask.provider import Shown, Turn
from studium.measure.ask.vqa import Vqa, likelihoods
from studium.networks.hub import checkpoint

NAMES = ("yes", "no", "two cats", "police_cars", "red flag in the street")
QUESTION = "How many people are in the photo?"


def variable(kind, name="x", values=(), question=QUESTION, **kwargs):
    return Variable(name, question, "image", kind, tuple(map(Value, values)), **kwargs)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of BLIP with three seeds."""
    top = tmp_path_factory.mktemp("vqa")
    return [str(vision_language.blip_vqa(top / f"vqa{seed}", seed)) for seed in range(3)]


@pytest.fixture(scope="module")
def pictures(photos):
    """Real ones, and a grey one, 1 x 1 px and a panorama."""
    rng = np.random.default_rng(0)
    grey = np.repeat(rng.integers(0, 256, (30, 40, 1), np.uint8), 3, axis=2)
    return [photos["coffee"], photos["astronaut"], grey, grey[:1, :1], np.tile(grey, (1, 40, 1))]


def ask(folder, picture, *variables, **kwargs):
    provider, prompt = Vqa(folder, **kwargs), prompt_of(variables)
    provider.prepare(prompt)
    return provider.reply(prompt, Shown(pictures=(picture,)))


def losses(model, question, names, picture):
    """The network's own loss of each name, as its authors rank them: the sum over the word pieces and the end."""
    network, processor = copy.deepcopy(model.network), model.processor
    network.text_decoder.label_smoothing = 0.0
    read = processor(images=Image.fromarray(picture), text=question, return_tensors="pt")
    found = []
    for name in names:
        labels = processor(text=name.replace("_", " "), return_tensors="pt")["input_ids"]
        labels[:, 0] = network.decoder_start_token_id
        with torch.no_grad():
            found.append(float(network(**read, labels=labels).loss) * (labels.shape[1] - 1))
    return found


def test_likelihoods_are_the_losses_of_the_network(folders, pictures):
    for folder in folders:
        model = checkpoint(folder, "VisualQuestionAnswering", "Processor")
        for picture in pictures:
            found = likelihoods(model, QUESTION, NAMES, picture)
            np.testing.assert_allclose(found, [-one for one in losses(model, QUESTION, NAMES, picture)], rtol=2e-5)


def test_the_value_is_the_likeliest(folders, pictures):
    said = []
    for folder in folders:
        model = checkpoint(folder, "VisualQuestionAnswering", "Processor")
        for picture in pictures:
            reply = ask(folder, picture, variable("categorical", values=NAMES))
            best = NAMES[int(np.argmin(losses(model, QUESTION, NAMES, picture)))]
            assert json.loads(reply.raw) == {"x": best}
            said.append(best)
    assert len(set(said)) > 1


def test_texts_and_numbers_are_what_transformers_generates(folders, pictures):
    for folder in folders:
        model = checkpoint(folder, "VisualQuestionAnswering", "Processor")
        for picture in pictures[:2]:
            reply = ask(folder, picture, variable("text"), variable("continuous", "n"), tokens=6)
            read = model.processor(images=Image.fromarray(picture), text=QUESTION, return_tensors="pt")
            plain = model.network.generate(**read, do_sample=False, max_new_tokens=6)[0]
            text = model.processor.decode(plain, skip_special_tokens=True).strip()
            assert json.loads(reply.raw) == {"x": text, "n": text}
            ended = bool(plain[-1] == model.config.text_config.sep_token_id)
            assert reply.finish == ("stop" if ended else "length")


def test_an_answer_that_ends_stops(folders, pictures, tmp_path):
    folder = shutil.copytree(folders[0], tmp_path / "ending")
    network = checkpoint(folders[0], "VisualQuestionAnswering", "Processor").network
    spoilt = copy.deepcopy(network)
    with torch.no_grad():
        spoilt.text_decoder.cls.predictions.decoder.bias[network.config.text_config.sep_token_id] = 1000.0
    spoilt.save_pretrained(folder)
    reply = ask(str(folder), pictures[0], variable("text"), tokens=6)
    assert (json.loads(reply.raw), reply.finish, reply.tokens_out) == ({"x": ""}, "stop", 1)


def test_a_reply_says_where_it_came_from(folders, pictures):
    several = (
        variable("binary", "b", ("yes", "no")),
        variable("categorical", "c", ("street", "crowd"), none_of_these=True),
    )
    reply = ask(folders[0], pictures[0], *several)
    again = ask(folders[0], pictures[0], *several)
    other = ask(folders[0], pictures[1], *several)
    assert list(json.loads(reply.raw)) == ["b", "c"]
    assert reply.model.startswith("vqa0@")
    assert len(reply.model) == len("vqa0@") + 16
    assert (reply.host, reply.bytes_sent, reply.finish) == (None, 0, "stop")
    assert (reply.sha256_sent, reply.raw) == (again.sha256_sent, again.raw)
    assert reply.sha256_sent != other.sha256_sent
    assert reply.tokens_in == 2 * len(pieces(folders[0], QUESTION))
    assert reply.tokens_out >= 4


def pieces(folder, text):
    return checkpoint(folder, "VisualQuestionAnswering", "Processor").processor.tokenizer(text)["input_ids"]


def test_asked_again_it_says_the_same(folders, pictures):
    prompt = prompt_of((variable("text"),))
    shown = Shown(pictures=(pictures[0],))
    first = Vqa(folders[0], 5).reply(prompt, shown)
    second = Vqa(folders[0], 5).reply(prompt, shown, Turn(first.raw, "no"))
    assert first.raw == second.raw
    assert first.sha256_sent != second.sha256_sent


def test_threads_answer_side_by_side(folders, pictures):
    prompt, provider = prompt_of((variable("categorical", values=NAMES), variable("text", "t"))), Vqa(folders[0], 6)
    inputs = [Shown(pictures=(picture,)) for picture in pictures]
    alone = [provider.reply(prompt, shown).raw for shown in inputs]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda shown: provider.reply(prompt, shown).raw, inputs * 2)) == alone * 2


def test_loads_nothing_until_it_is_asked(tmp_path):
    assert Vqa(str(tmp_path / "nothing")).models == (str(tmp_path / "nothing"),)
    assert not Vqa(str(tmp_path)).remote
    with pytest.raises(WeightsError, match="there is none"):
        Vqa(str(tmp_path)).prepare(prompt_of((variable("text"),)))


def test_is_chosen_by_what_the_folder_says(folders, tmp_path):
    assert provider_on_this_machine(folders[0], 9) == Vqa(folders[0], 9)
    captions = vision_language.blip_captions(tmp_path / "captions")
    assert provider_on_this_machine(str(captions)) == Chat(str(captions))
    assert provider_on_this_machine("blip-vqa") == Chat("blip-vqa")  # until it is fetched nobody knows


class TestRefused:
    @pytest.mark.parametrize(
        "shown",
        [
            lambda picture: Shown(),
            lambda picture: Shown(pictures=(picture, picture)),
            lambda picture: Shown((("text of the post", "No!"),), (picture,)),
        ],
    )
    def test_anything_but_one_picture(self, folders, pictures, shown):
        prompt = prompt_of((variable("text"),))
        with pytest.raises(MediaError, match=r"one picture and no text.*frames=1"):
            Vqa(folders[0]).reply(prompt, shown(pictures[0]))

    @pytest.mark.parametrize(
        ("asked", "says"),
        [
            (variable("multilabel", values=("yes", "no")), "binary variable"),
            (variable("text", question="what " * 70), "question or value of 72 tokens, BLIP reads 63"),
            (variable("categorical", values=("street", "a" * 70)), "of 71 tokens"),
            (variable("categorical", values=("police_cars", "police cars", "no")), "'police_cars', 'police cars'"),
            (variable("categorical", values=("улица", "street")), "cannot tell 'улица'"),
        ],
    )
    def test_variables_it_cannot_answer(self, folders, asked, says):
        with pytest.raises(InputError, match=says):
            Vqa(folders[0]).prepare(prompt_of((asked,)))

    @pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
    def test_a_broken_folder(self, folders, tmp_path, file):
        folder = shutil.copytree(folders[0], tmp_path / "broken")
        (folder / file).write_bytes((folder / file).read_bytes()[:100])
        with pytest.raises(WeightsError, match="does not load"):
            Vqa(str(folder)).prepare(prompt_of((variable("text"),)))

    def test_a_captioner(self, tmp_path):
        folder = vision_language.blip_captions(tmp_path / "captions")
        with pytest.raises(WeightsError, match="lacks weights for VisualQuestionAnswering"):
            Vqa(str(folder)).prepare(prompt_of((variable("text"),)))
