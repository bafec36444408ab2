"""Lessons: a few sentences per kind of model, each about a step, with the visitor's own films and numbers in them.

A sentence's blanks are read from the trace: ``{weights:top}`` is what has the largest number of the step `weights`, see `Facts`. One
whose blanks cannot be filled, as where nothing was watched, is left out. No streamlit here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from recdemo.core.steps import Step, Trace
from recdemo.core.wording import FILM, Words, counted


@dataclass(frozen=True, slots=True)
class Sentence:
    """What to see at a step."""

    step: str
    text: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """A walk along the steps of one kind of model.

    Args:
        models: keys of the models that it is about.
        ask: the question to guess first.
        step: where it is answered: what has the largest number there.
        told: the answer.
        sentences: in the order of the walk.
    """

    models: tuple[str, ...]
    ask: str
    step: str
    told: str
    sentences: tuple[Sentence, ...]


class Facts:
    """What a blank may ask of a step, see `ASKED`.

    Its rows are the films watched where it knows them, else its first axis with names; of a single number that is a sum, the terms. A
    row's number is the sum along all other axes; of windows of words, for how many filters they are the strongest.
    """

    def __init__(self, step: Step, trace: Trace) -> None:
        self.step, self.trace = step, trace
        named = [place for place, axis in enumerate(step.axes) if axis.labels]
        named.sort(key=lambda place: step.axes[place].name not in ("film", "place"))
        if named:
            self.labels = step.axes[named[0]].labels
            others = tuple(place for place in range(step.values.ndim) if place != named[0])
            self.numbers = step.values.sum(axis=others)
            if step.operation == "word_windows":
                winners = step.values.argmax(0)
                self.numbers = np.bincount(winners, minlength=len(self.labels)).astype(float)
        else:
            terms = step.sums[0] if len(step.sums) == 1 else ()
            self.labels = tuple(label for label, _ in terms)
            self.numbers = np.array([value for _, value in terms])
        self.order = np.argsort(-np.abs(self.numbers), kind="stable")

    def __getattr__(self, inner: str) -> Facts:
        """Of a step folded into this one: ``{head.layer:top}``."""
        return Facts(self.trace[f"{self.step.id}.{inner}"], self.trace)

    def __format__(self, asked: str) -> str:
        name, _, more = asked.partition("_")
        if name in PLACES:
            place = self.order[PLACES[name]]
            number = float(self.numbers[place])
            if not more:
                return f"**{self.labels[place]}**"
            return {"value": _signed(number), "share": f"{number:.0%}", "times": f"{number:.0f}"}[
                more
            ]
        if asked == "value":
            return _signed(float(self.step.values))
        if asked == "count":
            noun = self.step.axes[0].name.split()[-1]
            return counted(len(list(filter(None, self.labels))), {"place": "film"}.get(noun, noun))
        if asked == "size":
            return str(self.step.values.shape[-1])
        raise ValueError(f"a blank asks for {asked!r}; use one of {', '.join(ASKED)}")


PLACES = {"top": 0, "second": 1, "least": -1}  # among a step's rows by the size of their numbers
BLANKS = re.compile(r"({[^}]*})")
ASKED = (
    *(f"{name}{kind}" for name in PLACES for kind in ("", "_value", "_share", "_times")),
    *("value", "count", "size"),  # a single number; of rows; of numbers in a row
)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def lesson_of(model: str) -> Lesson | None:
    """The lesson about a model of the zoo, by its key."""
    return next((lesson for lesson in LESSONS if model in lesson.models), None)


def told(lesson: Lesson, trace: Trace, score: str, w: Words = FILM) -> dict[str, Any]:
    """A lesson with its blanks filled, as the page's script reads it.

    Args:
        lesson: which.
        trace: of one answer.
        score: as the list shows it.
        w: what the films are called.
    """
    facts = {step.id: Facts(step, trace) for step in trace.steps}
    blanks = facts | {"film": f"**{trace.film}**", "chance": f"**{score}**"}

    def filled(text: str) -> str | None:
        try:
            # Titles stay as they are; counts of films are in the words for them.
            return "".join(
                part.format_map(blanks)
                if part.startswith("{") and not part.endswith(":count}")
                else w(part.format_map(blanks))
                for part in BLANKS.split(text)
            )
        except (KeyError, IndexError, StopIteration):  # no such step, or nothing in it
            return None

    says = [
        {"step": one.step, "text": text}
        for one in lesson.sentences
        if one.step in facts and (text := filled(one.text))
    ]
    asked = facts.get(lesson.step)
    choices: list[str] = []
    if asked and len(asked.labels) > 1:
        order = [int(place) for place in asked.order if not _rest(asked.labels[place])]
        some = dict.fromkeys([order[0], order[1], order[-1], order[len(order) // 2]])
        choices = [asked.labels[place] for place in sorted(some)]
    return {
        "ask": filled(lesson.ask) or "",
        "step": lesson.step,
        "choices": choices,
        "answer": asked.labels[int(asked.order[0])] if asked and choices else "",
        "told": filled(lesson.told) or "",
        "says": says,
    }


def _rest(label: str) -> bool:
    """Whether a term stands for several."""
    return label.endswith(" others")


LESSONS = (
    Lesson(
        models=("fm",),
        ask="Which thing known about you goes best, or worst, with {film}? Guess before it is computed.",
        step="logit.field_pairs",
        told="{logit.field_pairs:top}, with {logit.field_pairs:top_value} in all; then {logit.field_pairs:second}, with {logit.field_pairs:second_value}.",
        sentences=(
            Sentence("visitor_fields", "All that is known about you is {visitor_fields:count} of {visitor_fields:size} learned numbers each: who you are, and what you liked, disliked or only watched."),
            Sentence("film_fields", "{film} is three such rows: the film itself, its genres, its years."),
            Sentence("visitor", "Here is the trick of a factorisation machine: instead of multiplying every pair of rows, it adds yours up first…"),
            Sentence("film", "…and the film's, too."),
            Sentence("logit.field_pairs", "One product of the two sums then holds all pairs at once. Taken apart, {logit.field_pairs:top} counts most ({logit.field_pairs:top_value})."),
            Sentence("visitor_alone", "What reads only you, {visitor_alone:value}, is the same for every film. It moves no film up or down your list."),
            Sentence("film_alone", "What reads only the film, {film_alone:value}, is the same for every visitor: what the film has in any case."),
            Sentence("score", "All of it together, {logit:value}, is what the film is ranked by; on the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("din",),
        ask="Which film of yours will DIN listen to most when it scores {film}? Guess before it is computed.",
        step="weights",
        told="{weights:top} has the largest weight, {weights:top_value}; then {weights:second}, with {weights:second_value}.",
        sentences=(
            Sentence("watched", "DIN reads your {watched:count} as rows of {watched:size} numbers."),
            Sentence("film", "{film} is such a row, too. What is alike in two films has the same colour in the same place."),
            Sentence("attention_hidden", "A small network looks at each film of yours beside this one. It is the same network for every film."),
            Sentence("weights", "It gives each film of yours a weight: {weights:top} the largest ({weights:top_value}), {weights:least} the smallest ({weights:least_value}). Score another film, and the weights change: that is DIN's idea."),
            Sentence("interest", "Your films, each times its weight, add up to one row: the part of your taste that this film appeals to. Point at a number to see what each film gave."),
            Sentence("head", "A network reads that row, the film and who you are, and says {head:value}."),
            Sentence("film_bias", "What the film has, whoever asks, is added: {film_bias:value}."),
            Sentence("score", "{logit:value} in all; on the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("linear_next", "ease"),
        ask="Which film of yours speaks most for, or against, {film}? Guess before it is computed.",
        step="terms",
        told="{terms:top} adds {terms:top_value}; then {terms:second}, {terms:second_value}.",
        sentences=(
            Sentence("counts", "Nothing here was trained step by step: one equation was solved. First, how much each of your {counts:count} counts: most {counts:top}, least {counts:least}."),
            Sentence("links", "One number for each film of yours and this one, from a table of all pairs of films: {links:top} has the largest, {links:top_value}."),
            Sentence("terms", "Multiplied, the two give what each film adds. {terms:top} gives {terms:top_value}."),
            Sentence("film_bias", "Then there is what {film} has without any history: {film_bias:value}."),
            Sentence("logit", "The sum, {logit:value}, is the whole model: each reason is exact, and none is hidden in a network."),
            Sentence("score", "On the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("afm",),
        ask="Which two things go together best, or worst, when AFM scores {film}? Guess before it is computed.",
        step="pair_terms",
        told="{pair_terms:top} adds {pair_terms:top_value}; then {pair_terms:second}, {pair_terms:second_value}.",
        sentences=(
            Sentence("visitor_fields", "All that is known about you is {visitor_fields:count} of {visitor_fields:size} numbers each."),
            Sentence("pair_products", "Every two of your fields and the film's are multiplied, number by number: {pair_products:count}. So far this is a factorisation machine."),
            Sentence("attention", "What is new is the attention. A small network decides how much each pair is listened to: {attention:top} gets {attention:top_share} of all."),
            Sentence("pair_values", "What a pair has to say is another matter: {pair_values:top} says most, {pair_values:top_value}."),
            Sentence("pair_terms", "Attention times what it says is what a pair adds. {pair_terms:top} adds {pair_terms:top_value}, {pair_terms:second} {pair_terms:second_value}."),
            Sentence("linear", "What fields add by themselves is added, too: {linear:value}."),
            Sentence("logit", "{logit:value} in all: a sum that can be checked line by line, as in the ledger on the page Attention."),
            Sentence("score", "On the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("dien",),
        ask="Which film of yours will move DIEN's interest furthest on the way to {film}? Guess before it is computed.",
        step="moves",
        told="{moves:top} moves it furthest, {moves:top_share} of the way; then {moves:second}, {moves:second_share}.",
        sentences=(
            Sentence("watched", "DIEN reads your {watched:count} in the order in which you watched them: here time matters."),
            Sentence("states", "A first recurrent network goes from film to film and remembers. Each row knows the films before it."),
            Sentence("weights", "Attention asks which of these states matter for {film}: {weights:top} gets {weights:top_share} of it."),
            Sentence("moves", "In a second network, attention controls the update gate. {moves:top} moves the interest {moves:top_share} of the way to something new, {moves:least} only {moves:least_share}."),
            Sentence("evolution", "Row by row, your interest moves. Where a row looks like the one above it, the film between them did not count."),
            Sentence("interest", "What is left after the last film is your interest in films like this one, today."),
            Sentence("head", "A network reads it beside the film and who you are, and says {head:value}."),
            Sentence("score", "With what the film has in any case, {film_bias:value}, that makes {logit:value}; on the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("bst",),
        ask="Where will {film} look most, all its heads together? Guess before it is computed.",
        step="read.place_look",
        told="It looks most at {read.place_look:top}, then at {read.place_look:second}.",
        sentences=(
            Sentence("watched", "BST is a Transformer, as in language: your {watched:count} are its words."),
            Sentence("sequence", "To each it adds a vector for its place, since a Transformer by itself knows no order."),
            Sentence("read.query", "The film scored stands at the end of the sentence and asks: its query."),
            Sentence("read.place_look", "Each head matches the question with each film's key. All heads together look most at {read.place_look:top}, least at {read.place_look:least}."),
            Sentence("read.candidate_mixed", "What is looked at is taken along: the values, mixed."),
            Sentence("read", "The film has become the film as seen from your history."),
            Sentence("head", "A network reads that and who you are, and says {head:value}."),
            Sentence("score", "{logit:value} in all; on the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("sasrec",),
        ask="Which film of yours is looked at most by the others, in the first layer? Guess before it is computed.",
        step="encoder_layer.look",
        told="{encoder_layer.look:top} is looked at most, then {encoder_layer.look:second}.",
        sentences=(
            Sentence("watched", "SASRec learned by guessing, after each film that a person watched, the next one. These are your {watched:count}."),
            Sentence("encoder_layer.look", "A film may look at itself and at those before it, never ahead: hence the triangle. {encoder_layer.look:top} is looked at most."),
            Sentence("encoder_layer.mixed", "Each takes along what it looked at."),
            Sentence("encoder_layer", "After the first layer each row is a film and what came before it."),
            Sentence("encoder_layer_2", "The second layer does it again, with rows that know their past."),
            Sentence("visitor", "Only the last row goes on. You are now {visitor:size} numbers, the same for every film."),
            Sentence("logit", "The film is scored by one dot product: where your numbers and its numbers agree in sign, the chance rises. {logit:value} in all."),
            Sentence("score", "On the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("dcn",),
        ask="Which field's numbers, once crossed with all others, will add most to the cross layers' sum, up or down? Guess before it is computed.",
        step="cross",
        told="{cross:top} adds {cross:top_value}; then {cross:second}, {cross:second_value}.",
        sentences=(
            Sentence("visitor_fields", "DCN knows you as {visitor_fields:count} of {visitor_fields:size} numbers each."),
            Sentence("x0", "All of them, and those of {film}, stand side by side in one row."),
            Sentence("cross_layer", "A cross layer multiplies the row by one number made of all of it, and adds what it was: pairs of fields."),
            Sentence("cross_layer_2", "The next one multiplies by the first row once more: triples. Nobody had to choose which."),
            Sentence("cross", "All crosses add up to {cross:value}. {cross:top} has the largest part, {cross:top_value}."),
            Sentence("deep", "Beside it, a plain network reads the same fields and says {deep:value}."),
            Sentence("logit", "The two together are {logit:value}."),
            Sentence("score", "On the list it reads {chance}."),
        ),
    ),
    Lesson(
        models=("textcnn_rating", "textcnn_history"),
        ask="Which three words of the title of {film} will most of the filters answer to? Guess before it is computed.",
        step="windows_3",
        told="{windows_3:top} is what {windows_3:top_times} of {windows_3:size} filters answer to most; then {windows_3:second}, {windows_3:second_times}.",
        sentences=(
            Sentence("words", "This model reads the title: {words:count}, each as {words:size} numbers that were learned from other texts."),
            Sentence("windows_3", "A filter looks at three words at a time, from left to right. Each column is one of {windows_3:size} filters, each row where it looks."),
            Sentence("strongest_3", "Only each filter's strongest answer goes on. For {windows_3:top_times} of them that is {windows_3:top}."),
            Sentence("title", "Filters of two and of four words do the same. A layer turns all of them into {title:size} numbers: the title."),
            Sentence("genre_vector", "The genres are {genre_vector:size} more."),
            Sentence("film", "A network turns title and genres into the film's own numbers."),
            Sentence("visitor", "Another network turns you into as many numbers."),
            Sentence("score", "The last one sets the two side by side and says {logit:value}; on the list it reads {chance}."),
        ),
    ),
)  # fmt: skip
