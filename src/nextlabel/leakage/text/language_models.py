"""Language models as attacks take them: token ids in, logits out; tiny ones from a configuration."""

from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
)

from nextlabel.errors import LearnerError
from nextlabel.maths.parameters import checked_choice

__all__ = ["Logits", "loaded", "tiny_decoder", "tiny_encoder"]


@final
class Logits(nn.Module):
    """A model of the transformers library that takes token ids and returns its logits.

    Parameters
    ----------
    model : torch.nn.Module
        Of the transformers library. Eager attention can be differentiated twice by every attack; fused
        attention by those that switch it off, as `text_matching` does.
    padding : int, optional
        The token that fills sequences up: nobody pays attention to it. None where sequences are of one
        length.

    Examples
    --------
    >>> tiny_decoder(20, width=8, heads=2, classes=3)(torch.zeros(2, 5, dtype=torch.int64)).shape
    torch.Size([2, 3])
    """

    def __init__(self, model: nn.Module, padding: int | None = None) -> None:
        super().__init__()
        self.model = model
        self.padding = padding

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of token ids, axes (b, t)."""
        mask = torch.ones_like(tokens) if self.padding is None else (tokens != self.padding).long()
        logits: Tensor = self.model(input_ids=tokens, attention_mask=mask).logits
        return logits


def tiny_decoder(
    vocabulary: int,
    *,
    width: int = 128,
    blocks: int = 2,
    heads: int = 4,
    classes: int | None = None,
    is_tied: bool = True,
    positions: int = 64,
    padding: int | None = None,
) -> Logits:
    """A GPT-2 of random weights, which torch's global stream draws; in evaluation mode.

    Parameters
    ----------
    vocabulary, width, blocks, heads, positions : int
        How many tokens there are, features of a token, blocks, heads of a block, and the longest sequence.
    classes : int, optional
        Classifies sequences; predicts the next token unless said.
    is_tied : bool
        Whether a model that predicts tokens has one table for input and output.
    padding : int, optional
        See `Logits`.

    References
    ----------
    Radford, Wu, Child, Luan, Amodei, Sutskever. Language models are unsupervised multitask learners. 2019.
    """
    # a type checker does not see the settings that are common to all configurations
    settings: dict[str, Any] = {"num_labels": classes or 2, "attn_implementation": "eager"}
    config = GPT2Config(
        vocab_size=vocabulary,
        n_positions=positions,
        n_embd=width,
        n_layer=blocks,
        n_head=heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=is_tied,
        **settings,
    )
    made = GPT2LMHeadModel(config) if classes is None else GPT2ForSequenceClassification(config)
    # a classifier reads the last token that is no padding; without padding, a token that never comes
    made.config.pad_token_id = vocabulary if padding is None else padding
    return Logits(made, padding).eval()


def tiny_encoder(
    vocabulary: int,
    *,
    width: int = 64,
    blocks: int = 2,
    heads: int = 4,
    is_tied: bool = True,
    positions: int = 64,
    padding: int | None = None,
) -> Logits:
    """A BERT of random weights that predicts masked tokens; torch's global stream draws them.

    Parameters
    ----------
    vocabulary, width, blocks, heads, is_tied, positions, padding
        As in `tiny_decoder`.

    References
    ----------
    Devlin, Chang, Lee, Toutanova. BERT: pre-training of deep bidirectional transformers. NAACL 2019.

    Examples
    --------
    >>> tiny_encoder(20, width=8, heads=2)(torch.zeros(2, 5, dtype=torch.int64)).shape
    torch.Size([2, 5, 20])
    """
    settings: dict[str, Any] = {"attn_implementation": "eager"}
    config = BertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=positions,
        hidden_size=width,
        num_hidden_layers=blocks,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=padding,
        tie_word_embeddings=is_tied,
        **settings,
    )
    return Logits(BertForMaskedLM(config), padding).eval()


_LOADERS: dict[str, Any] = {
    "masked": AutoModelForMaskedLM,
    "classifier": AutoModelForSequenceClassification,
}


def loaded(folder: str | Path, kind: str = "masked", *, padding: int | None = None) -> Logits:
    """A pretrained model from files on this machine; nothing is fetched.

    Parameters
    ----------
    folder : path
        With ``config.json`` and weights in ``model.safetensors``.
    kind : str
        ``"masked"`` predicts masked tokens, ``"classifier"`` classes of sequences.
    padding : int, optional
        See `Logits`; the model's own unless said.

    Raises
    ------
    LearnerError
        There is no such folder, or the model in it cannot be read.
    ParameterError
        Another kind.
    """
    loader = _LOADERS[checked_choice(kind, "kind", tuple(_LOADERS))]
    try:
        model = loader.from_pretrained(
            Path(folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation="eager",
            dtype=torch.float32,
        )
    except (OSError, ValueError) as cause:
        message = (
            f"A language model is read from a folder with config.json and model.safetensors; {str(folder)!r} "
            f"could not be read: {cause}. Save it there with save_pretrained."
        )
        raise LearnerError(message) from cause
    return Logits(model, model.config.pad_token_id if padding is None else padding).eval()
