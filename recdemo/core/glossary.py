"""The terms that pages, commands and documents use, each in two plain sentences; the help of a figure is the first of its own."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Term(NamedTuple):
    """What a word means.

    Args:
        name: as pages write it.
        short: what it is, in a sentence.
        more: what follows from it, in another one.
        also: other words for it, that people may look for.
    """

    name: str
    short: str
    more: str
    also: str = ""


GLOSSARY: dict[str, Term] = {
    # What a model gives
    "logit": Term(
        "logit",
        "The number a model ends with before it becomes a chance: any number; higher means likelier.",
        "Terms of a logit can be added up, those of a chance cannot, so explanations add up to logits.",
        "score, log-odds",
    ),
    "sigmoid": Term(
        "sigmoid",
        "The curve 1 / (1 + e⁻ˣ) that turns a logit into a chance between 0 and 1.",
        "A logit of 0 becomes 50%, of 2 becomes 88%, of −2 becomes 12%.",
        "chance of liking, probability, logistic",
    ),
    "softmax": Term(
        "softmax",
        "Turns several numbers into shares that add up to 1: e to the power of each, divided by the sum of all of these.",
        "Over the logits of all films not watched it gives the chance of each to come next; over the weights of a history, attention.",
        "chance of being next, probability",
    ),
    "rating": Term(
        "stars",
        "A rating on MovieLens' scale, where 5 is best.",
        "Here a film given 4 or 5 stars counts as liked, any other rated film as disliked.",
        "rating, like, liked, disliked",
    ),
    # Figures
    "auc": Term(
        "AUC",
        "How often a liked film scores above one not liked; 0.5 is chance.",
        "Only the order of the scores counts: a model may have a high AUC although all its chances are too high.",
        "area under the curve, ROC",
    ),
    "log_loss": Term(
        "log-loss",
        "How surprised the model is by the answers; lower is better.",
        "It is the mean of −log of the chance given to what was true, so being sure and wrong costs most.",
        "log loss, cross-entropy",
    ),
    "ndcg@10": Term(
        "NDCG@10",
        "Like HR@10, but a film counts less the further down the ten it stands.",
        "With one film to be found it counts 1 / log₂(rank + 1): 1 in first place, 0.5 in third, 0 below the tenth.",
        "normalised discounted cumulative gain",
    ),
    "ndcg@5": Term(
        "NDCG@5",
        "Like NDCG@10, but of the first five.",
        "It is used where lists are short, as in news.",
    ),
    "hr@10": Term(
        "HR@10",
        "How often the film liked next is among the first ten of all films.",
        "Whether it comes first or tenth makes no difference.",
        "hit rate, recall@10",
    ),
    "mrr": Term(
        "MRR",
        "Mean of one over the rank of the film liked next.",
        "A film in first place counts 1, in second a half, in hundredth a hundredth.",
        "mean reciprocal rank",
    ),
    "coverage": Term(
        "coverage",
        "Share of all films that are among the first ten of at least one user.",
        "A model that shows everybody the same ten films covers ten, however good they are.",
    ),
    "rmse": Term(
        "RMSE",
        "How far the stars are off: the root of the mean squared error; lower is better.",
        "It is in stars, and one large mistake counts more than several small ones.",
        "root mean squared error",
    ),
    "mse": Term(
        "MSE",
        "Mean squared error of the stars; lower is better.",
        "It is the square of the RMSE, and orders models alike.",
        "mean squared error",
    ),
    "calibration": Term(
        "calibration",
        "Whether chances come true: of all films given 70%, seven in ten should be liked.",
        "AUC does not measure this: the order can be right while all chances are too high.",
    ),
    "baseline": Term(
        "baseline",
        "A simple answer, counted or solved in closed form within seconds, such as what everybody likes most.",
        "A trained model that does no better was not worth its training.",
        "popularity",
    ),
    # What it is measured on
    "parts": Term(
        "training, validation and test part",
        "Ratings are split in three: a model learns from the first, the second chooses its best epoch and settings, the third is asked once at the end.",
        "A figure measured on what a model has learned from says only how well it remembers.",
        "train, split, held out",
    ),
    "leave_one_out": Term(
        "leave-one-out",
        "A way to split ratings: the last film of each user is the test, the one before it validates, the rest trains.",
        "Publications use it often; its figures cannot be compared with those of another split.",
        "split",
    ),
    "faithfulness": Term(
        "faithfulness",
        "How far weights tell what mattered: the rank correlation between the size of each weight and how far the score moves without that film.",
        "Near 1 the weights may be read as reasons, near 0 they are only a picture.",
        "trust, removal",
    ),
    # What models are made of
    "embedding": Term(
        "embedding",
        "A row of learned numbers that stands for a film, a genre, an age or a person.",
        "Things that a model finds alike get rows that point the same way; no single number of a row means anything by itself.",
        "vector, table",
    ),
    "factor": Term(
        "factor",
        "One of the numbers of a vector in a matrix factorisation, by which people and films are matched.",
        "The score is the sum over all factors of the person's number times the film's.",
        "latent factor, matrix factorisation, dimension",
    ),
    "cosine": Term(
        "cosine",
        "How far two vectors point the same way, whatever their lengths: 1 the same, 0 at right angles, −1 opposite.",
        "It is their dot product once both are brought to length one, and what “nearest” means on the maps.",
        "similarity, nearest neighbour",
    ),
    "attention": Term(
        "attention",
        "Weights by which a model decides how much each film of a history counts, worked out again for each film or visitor.",
        "A large weight says that a film was read, not that it raised the score: see faithfulness.",
        "query, key, weight",
    ),
    "head": Term(
        "head",
        "One of several attentions that a Transformer computes side by side, each with weights of its own.",
        "Their results are put together, so that no single head is the answer.",
        "multi-head attention, transformer",
    ),
    "rollout": Term(
        "attention rollout",
        "The attention of several layers multiplied into one, to say how much of each film arrives at the last layer.",
        "It leaves out what the layers do besides attention, and so is a hint more than a proof.",
    ),
    "cross_layer": Term(
        "cross layer",
        "A layer that multiplies its input by a weighted copy of the first input, so that pairs, triples … of fields get weights.",
        "With n of them a network has products of up to n + 1 fields without anybody listing them.",
        "cross, feature interaction, DCN",
    ),
    "gate": Term(
        "gate",
        "A number between 0 and 1 that lets a part of a signal through.",
        "In a recurrent network gates decide how much of what was watched before is kept.",
        "GRU, LSTM, update gate",
    ),
    "bias": Term(
        "bias",
        "A learned number that is added whoever asks: a film's bias is how much everybody likes it.",
        "It raises or lowers a film on all lists alike, and so explains no difference between two visitors.",
    ),
    "field": Term(
        "field",
        "One thing that is known about a visitor or a film: gender, age, genres, year, the film itself …",
        "Factorisation machines score by fields and by pairs of them.",
        "feature",
    ),
    "fold_in": Term(
        "fold-in",
        "Finding the vector of somebody new in a model that knows its users by id, with everything else left as it was learned.",
        "It is the vector that best explains the films given, pulled towards the mean of the visitor's group while they are few.",
        "cold start, new user",
    ),
    # How they learn
    "epoch": Term(
        "epoch",
        "One pass of training over all its ratings.",
        "After each, the model is measured on the validation part, and the best epoch is kept.",
    ),
    "negative": Term(
        "negative",
        "A film that was not picked, drawn so that a model learns to rank the picked one above it.",
        "That it was not picked does not mean that it was disliked.",
        "negative sampling",
    ),
    "logq": Term(
        "logQ correction",
        "In training, subtracts from a negative's logit the logarithm of how often it is drawn.",
        "Without it, films that are drawn often because they are popular would look disliked.",
        "sampled softmax, popularity correction",
    ),
    "dropout": Term(
        "dropout",
        "Sets a random share of the numbers inside a network to zero at each step of training.",
        "The network cannot rely on any one of them, and learns less by heart; answers are given without it.",
        "regularisation",
    ),
    "weight_decay": Term(
        "weight decay",
        "Pulls all weights a little towards zero at each step of training.",
        "What the ratings do not ask for again and again stays small, which helps on ratings not seen.",
        "regularisation, L2, ridge",
    ),
    "learning_rate": Term(
        "learning rate",
        "How far each step of training moves the weights.",
        "Too large a one makes the loss jump or explode, too small a one takes many epochs.",
    ),
    "loss": Term(
        "loss",
        "The number that training makes small: how wrong the model is on what it is shown.",
        "It can go on falling while the validation figure gets worse: then the model learns by heart.",
        "overfitting",
    ),
    "seed": Term(
        "seed",
        "The number from which all randomness in a training run starts.",
        "The same seed gives the same weights; other seeds show how much of a figure is luck.",
        "random",
    ),
}  # fmt: skip


def look_up(words: str) -> list[Term]:
    """The terms that hold all that was typed, those named so before those that only mention it.

    Args:
        words: as typed; nothing gives all terms.
    """
    wanted = _plain(words).split()

    def holds(text: str) -> bool:
        return all(word in _plain(text) for word in wanted)

    named = [t for t in GLOSSARY.values() if holds(f"{t.name} {t.also}")]
    mentioned = [t for t in GLOSSARY.values() if holds(" ".join(t)) and t not in named]
    return sorted(named, key=lambda term: not holds(term.name)) + mentioned


def as_markdown() -> str:
    """``docs/glossary.md``."""
    ordered = sorted(GLOSSARY.values(), key=lambda term: term.name.lower())
    lines = [f"**{term.name}**: {term.short} {term.more}" for term in ordered]
    head = "The words of pages, commands and documents. `python -m recdemo glossary --markdown` prints this from `recdemo/core/glossary.py`."
    return "\n\n".join(["# Glossary", head, *lines]) + "\n"


def _plain(text: str) -> str:
    """Lower case, without accents, hyphens as blanks."""
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in letters if not unicodedata.combining(c)).replace("-", " ")
