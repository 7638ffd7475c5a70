"""What the JSON files of a folder in the hub's format say of the encoder in it: nothing is loaded, no torch needed."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studium.errors import InputError, WeightsError

__all__ = ["FAMILIES", "Description", "Family", "describe", "parameter"]


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of network: where its configuration gives the length of its vectors, and what that is if it does not.

    Attributes:
        dims: key of the configuration.
        default: length of the vectors if the configuration leaves it out, as it may.
        tokens: how many it reads of a text by default; None: it reads no texts.
        sigmoid: whether it was trained with a sigmoid over single pairs, on texts padded to full length.
    """

    dims: str
    default: int
    tokens: int | None = None
    sigmoid: bool = False


FAMILIES = {
    "clip": Family("projection_dim", 512, 77),
    "chinese_clip": Family("projection_dim", 512, 512),
    "siglip": Family("vision_config.hidden_size", 768, 64, sigmoid=True),
    "siglip2": Family("vision_config.hidden_size", 768, 64, sigmoid=True),
    "dinov2": Family("hidden_size", 768),
    "vit": Family("hidden_size", 768),
    "resnet": Family("hidden_sizes", 2048),
}
"""Those that are known by name; of others, whatever gives a pooled output works."""

_ROBERTA = {"roberta", "xlm-roberta", "camembert", "mpnet"}  # their positions begin behind the padding's
_POOLING = ("mean", "cls", "max")
_STEPS = {"Transformer", "Pooling", "Normalize"}
_TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model")


@dataclass(frozen=True)
class Description:
    """What a folder says of its encoder: read once, and asked for what is needed."""

    folder: Path
    config: Mapping[str, Any]

    @property
    def family(self) -> str:
        """As transformers calls it: "clip", "dinov2" ..."""
        return str(self.config["model_type"])

    @property
    def joint(self) -> bool:
        """Whether it puts pictures and texts into one space."""
        return self.family in FAMILIES and FAMILIES[self.family].tokens is not None

    @property
    def pictures(self) -> bool:
        """Whether it reads pictures."""
        return self.preparation is not None

    @property
    def texts(self) -> bool:
        """Whether it reads texts."""
        return self.joint or (not self.pictures and any((self.folder / name).is_file() for name in _TOKENIZERS))

    @property
    def sigmoid(self) -> bool:
        """Whether it is SigLIP's kind."""
        return self.family in FAMILIES and FAMILIES[self.family].sigmoid

    @property
    def lowers(self) -> bool:
        """Whether it was trained on texts in lower case, and its tokenizer leaves that to the caller."""
        return self.sigmoid and (self.family == "siglip2" or bool(self.tokenizer.get("do_lower_case")))

    @property
    def preparation(self) -> Mapping[str, Any] | None:
        """How pictures are prepared: preprocessor_config.json, or its part of processor_config.json."""
        if (found := _json(self.folder / "preprocessor_config.json")) is not None:
            return dict(found)
        both = _json(self.folder / "processor_config.json") or {}
        return dict(both["image_processor"]) if both.get("image_processor") else None

    @property
    def tokenizer(self) -> Mapping[str, Any]:
        """tokenizer_config.json."""
        return dict(_json(self.folder / "tokenizer_config.json") or {})

    @property
    def dims(self) -> int:
        """Length of its vectors.

        Raises:
            WeightsError: its configuration does not say.
        """
        known = FAMILIES.get(self.family)
        values: Any = self.config
        for key in (known.dims if known else "hidden_size").split("."):
            values = values.get(key) if isinstance(values, Mapping) else None
        values = values or (known.default if known else self.config.get("hidden_sizes") or self.config.get("dim"))
        values = values[-1] if isinstance(values, list) and values else values
        if not isinstance(values, int) or values < 1:
            raise WeightsError(
                f"{self.folder}: config.json does not say how long the vectors of {self.family!r} are. Known by name "
                f"are {', '.join(FAMILIES)}"
            )
        return values

    @property
    def tokens(self) -> int:
        """How many tokens it reads of a text, its marks included."""
        known = FAMILIES.get(self.family)
        own = self.config.get("text_config") or {} if self.joint else self.config
        positions = own.get("max_position_embeddings") or (known.tokens if known else None) or 512
        if own.get("model_type", self.family) in _ROBERTA:
            positions -= own.get("pad_token_id", 1) + 1
        asked = [(_json(self.folder / "sentence_bert_config.json") or {}).get("max_seq_length")]
        asked.append(self.tokenizer.get("model_max_length"))
        return int(min([positions, *(limit for limit in asked if limit)]))

    @property
    def pooling(self) -> str:
        """How a sentence encoder makes one vector of many: "mean", "cls" or "max".

        Raises:
            InputError: as nobody has taught studium.
        """
        steps = _json(self.folder / "modules.json") or []
        kinds = [str(step["type"]).rpartition(".")[2] for step in steps]
        if not set(kinds) <= _STEPS:
            raise InputError(
                f"{self.folder} is a sentence encoder of {', '.join(kinds)}; studium knows {', '.join(sorted(_STEPS))}"
            )
        modes = [_modes(self.folder / step["path"]) for step in steps if str(step["type"]).endswith("Pooling")]
        found = [mode for each in modes for mode in each] or ["mean"]
        if len(found) > 1 or found[0] not in _POOLING:
            raise InputError(
                f"{self.folder} pools its tokens by {', '.join(found)}; studium does one of {', '.join(_POOLING)}"
            )
        return found[0]

    @property
    def prefix(self) -> str:
        """What is written before every text by default, as sentence encoders may say."""
        said = _json(self.folder / "config_sentence_transformers.json") or {}
        return str((said.get("prompts") or {}).get(said.get("default_prompt_name")) or "")


def describe(folder: Path) -> Description:
    """Read what a folder says of its encoder.

    Raises:
        WeightsError: it is none of the hub's format.
    """
    config = _json(folder / "config.json")
    if not isinstance(config, dict) or "model_type" not in config:
        raise WeightsError(f"{folder} is no checkpoint of transformers: config.json says no model_type")
    return Description(folder, config)


def parameter(folder: Path, name: str) -> float:
    """A single number among the weights of a folder, such as "logit_scale": read alone, without torch.

    Raises:
        WeightsError: there is none of that name in safetensors.
    """
    index = _json(folder / "model.safetensors.index.json") or {}
    file = folder / (index.get("weight_map") or {}).get(name, "model.safetensors")
    try:
        with file.open("rb") as stream:
            length = struct.unpack("<Q", stream.read(8))[0]
            found = json.loads(stream.read(length))[name]
            stream.seek(8 + length + found["data_offsets"][0])
            content = stream.read(found["data_offsets"][1] - found["data_offsets"][0])
        value = _number(content, found["dtype"])
    except (OSError, ValueError, KeyError, TypeError, struct.error, MemoryError, OverflowError) as error:
        raise WeightsError(
            f"{folder} does not say its {name}: it is in no model.safetensors there. Put the checkpoint's beside it"
        ) from error
    if not math.isfinite(value):
        raise WeightsError(f"{file}: {name} is {value}, no number")
    return value


def _number(content: bytes, dtype: str) -> float:
    if dtype == "BF16":  # the upper half of a float32
        content, dtype = b"\0\0" + content, "F32"
    (value,) = np.frombuffer(content, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype])
    return float(value)


def _modes(folder: Path) -> list[str]:
    """How a pooling step pools: its newer files say it in a word, its older ones in flags."""
    said = _json(folder / "config.json") or {}
    if isinstance(said.get("pooling_mode"), str):
        return [said["pooling_mode"]]
    flags = [key.removeprefix("pooling_mode_") for key, on in said.items() if key.startswith("pooling_mode_") and on]
    return [flag.removesuffix("_tokens").removesuffix("_token") for flag in flags]


def _json(file: Path) -> Any:
    """Its content; None if there is no such file."""
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file} cannot be read: {error}") from error
