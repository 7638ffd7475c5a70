"""Captions: what a picture shows, in a sentence that a network writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from studium.core.column import Column
from studium.core.protocols import Measure
from studium.errors import InputError
from studium.measure.encoder_batches import in_batches
from studium.measure.parameters import check_checkpoint, check_whole
from studium.measure.per_item import collect
from studium.media.transform import Picture, check_rgb
from studium.networks.hub import Checkpoint, checkpoint

__all__ = ["Caption"]

_TASK = "ImageTextToText"
_SIDE = 384  # px that BLIP sees of each side

_CAPTIONERS = {"BlipForConditionalGeneration", "GitForCausalLM"}
_ENDS_ITSELF = "BlipForConditionalGeneration"  # it takes the mark off that ends a text, before it goes on writing it


@dataclass(frozen=True)
class Caption(Measure):
    """A sentence that describes a picture, by a network that learned captions from the web.

    It says in few words what is in front, the way people label photographs for others: objects, animals, what persons
    do and wear. It does not read, knows no persons and no events, counts badly, and says what often goes together
    whether it is there or not (a man at a desk "with a laptop"); of persons it says gender and the like from looks. So
    captions are for searching, grouping and for a first look; check what you count in them against the pictures.

    The likeliest word piece is taken each time, or with several beams the likeliest of several sentences: the same
    picture gives the same caption. The network sees the whole picture, squeezed to a square.

    Args:
        model: an id of ``models.toml``, ``owner/name@commit`` of a hub repository, or the path of a folder, with a
            checkpoint of transformers for BLIP or GIT in safetensors. Any other model that describes pictures is
            asked to, with a variable of type text: see the measure ask.
        prompt: how captions begin, in English: "a photograph of"; part of every caption. Empty: as the network likes.
        beams: how many sentences are followed at once, 1 or more. More: slower, and rather what is said often.
        tokens: word pieces that are written, at most; ``caption_cut`` says where it had not ended by then.

    References:
        Li et al. (2022), BLIP, doi:10.48550/arXiv.2201.12086; Wang et al. (2022), GIT, doi:10.48550/arXiv.2205.14100;
        on bias in captions Hendricks et al. (2018), doi:10.1007/978-3-030-01219-9_47.
    """

    model: str = "blip-captions"
    prompt: str = ""
    beams: int = 1
    tokens: int = 50

    name: ClassVar[str] = "caption"
    version: ClassVar[str] = "1"
    takes: ClassVar[str] = "image"

    def __post_init__(self) -> None:
        """Refuse unknown models and impossible numbers at the door."""
        check_checkpoint(self, self.model)
        if not isinstance(self.prompt, str):
            raise InputError(
                f'caption: prompt should be the beginning of a sentence, such as "a photograph of", got '
                f"{self.prompt!r}; leave it out for none"
            )
        check_whole(self, "beams", 1)
        check_whole(self, "tokens", 1)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The caption, and how sure the network is of it."""
        source = "doi:10.48550/arXiv.2201.12086"
        begins = f', beginning with "{self.prompt}"' if self.prompt else ""
        return (
            Column("caption", "string", f"what the picture shows, in a sentence{begins}", source=source),
            Column(
                "caption_logprob",
                "float32",
                "mean logarithm of the probabilities of its word pieces",
                high=0,
                source=source,
            ),
            Column("caption_cut", "bool", f"it had not ended after {self.tokens} word pieces, and is cut off there"),
        )

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoint."""
        return (self.model,)

    @property
    def detail(self) -> int | None:
        """Twice what BLIP sees."""
        return 2 * _SIDE

    def identifies(self, of: str) -> bool:
        """Of faces: what a caption says of origin or religion from looks is data of GDPR Art. 9."""
        return of == "face"

    def prepare(self) -> None:
        """Load the checkpoint, and refuse what does not caption.

        Raises:
            InputError: it is made for something else, or cannot read or finish the prompt.
            WeightsError: it is not on this machine, or does not load.
        """
        model = checkpoint(self.model, _TASK, "Processor")
        made_for, runs_as = {*(model.config.architectures or ())}, type(model.network).__name__
        if (
            runs_as not in _CAPTIONERS
            or made_for - {runs_as}
            or getattr(model.config, "num_image_with_embedding", None)
        ):
            raise InputError(
                f"caption: {self.model} is a {', '.join(sorted(made_for)) or runs_as}; expected a captioner for "
                f"pictures, {' or '.join(sorted(_CAPTIONERS))}; other models describe pictures with the measure ask "
                "and a variable of type text"
            )
        begin = _beginning(model, self.prompt)
        longest = model.config.get_text_config().max_position_embeddings
        if len(begin) + self.tokens > longest:
            raise InputError(
                f"caption: the prompt has {len(begin)} word pieces, and the model reads and writes {longest}; say less "
                f"or take fewer tokens than {self.tokens}"
            )
        if model.processor.tokenizer.unk_token_id in begin:
            raise InputError(f"caption: the model does not know all letters of the prompt {self.prompt!r}; use English")

    def __call__(self, batch: Sequence[Picture]) -> Mapping[str, Any]:
        """Caption RGB pictures; on an accelerator all at once."""
        self.prepare()
        model = checkpoint(self.model, _TASK, "Processor")
        size = 1 if model.device == "cpu" else len(batch)
        found = in_batches(lambda pictures: self._captions(model, pictures), batch, size)
        return collect(self.columns, [row for rows in found for row in rows])

    def _captions(self, model: Checkpoint, pictures: Sequence[Picture]) -> list[dict[str, Any]]:
        """A row for each picture."""
        import torch
        from PIL import Image

        begin = torch.tensor([_beginning(model, self.prompt)] * len(pictures), device=model.device)
        images = [Image.fromarray(check_rgb(picture)) for picture in pictures]
        pixels = model.processor.image_processor(images=images, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            said = model.network.generate(
                **pixels, input_ids=begin, attention_mask=torch.ones_like(begin), do_sample=False, num_beams=self.beams,
                max_new_tokens=self.tokens, return_dict_in_generate=True, output_logits=True,
            )  # fmt: skip
            writer = getattr(model.network, "text_decoder", model.network)
            beams = getattr(said, "beam_indices", None)
            chances = writer.compute_transition_scores(said.sequences, said.logits, beams, normalize_logits=True)
        return [
            _row(model, sequence, row) for sequence, row in zip(said.sequences.tolist(), chances.tolist(), strict=True)
        ]


def _row(model: Checkpoint, sequence: list[int], chances: list[float]) -> dict[str, Any]:
    """A caption from its tokens, the prompt among them, and the logarithms of the probabilities of those written."""
    end = model.processor.tokenizer.sep_token_id
    written = sequence[-len(chances) :]
    ended = end in written
    length = written.index(end) + 1 if ended else len(written)
    return {
        "caption": model.processor.tokenizer.decode(sequence, skip_special_tokens=True).strip(),
        "caption_logprob": min(0.0, sum(chances[:length]) / length),
        "caption_cut": not ended,
    }


def _beginning(model: Checkpoint, prompt: str) -> list[int]:
    """The tokens that a caption begins with, as the network's ``generate`` takes them."""
    tokens: list[int] = model.processor.tokenizer(prompt)["input_ids"]
    return tokens if type(model.network).__name__ == _ENDS_ITSELF else tokens[:-1]
