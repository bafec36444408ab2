"""Lessons: a few sentences per kind of model, each about a step, with the visitor's own films and numbers in them.

A sentence's blanks are read from the trace: ``{weights:top}`` is what has the largest number of the step `weights`, see `Facts`. One
whose blanks cannot be filled, as where nothing was watched, is left out. No streamlit here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recdemo.core.steps import Step, Trace
from recdemo.core.wording import counted


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
    row's number is the sum along all other axes.
    """

    def __init__(self, step: Step, trace: Trace) -> None:
        self.step, self.trace = step, trace
        named = [place for place, axis in enumerate(step.axes) if axis.labels]
        named.sort(key=lambda place: step.axes[place].name not in ("film", "place"))
        if named:
            self.labels = step.axes[named[0]].labels
            others = tuple(place for place in range(step.values.ndim) if place != named[0])
            self.numbers = step.values.sum(axis=others)
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
            return _signed(number) if more == "value" else f"{number:.0%}"
        if asked == "value":
            return _signed(float(self.step.values))
        if asked == "count":
            noun = self.step.axes[0].name.split()[-1]
            return counted(len(self.labels), {"place": "film"}.get(noun, noun))
        if asked == "size":
            return str(self.step.values.shape[-1])
        raise ValueError(f"a blank asks for {asked!r}; use one of {', '.join(ASKED)}")


PLACES = {"top": 0, "second": 1, "least": -1}  # among a step's rows by the size of their numbers
ASKED = (
    *(f"{name}{kind}" for name in PLACES for kind in ("", "_value", "_share")),
    *("value", "count", "size"),  # a single number; of rows; of numbers in a row
)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def lesson_of(model: str) -> Lesson | None:
    """The lesson about a model of the zoo, by its key."""
    return next((lesson for lesson in LESSONS if model in lesson.models), None)


def told(lesson: Lesson, trace: Trace, score: str) -> dict[str, Any]:
    """A lesson with its blanks filled, as the page's script reads it.

    Args:
        lesson: which.
        trace: of one answer.
        score: as the list shows it.
    """
    facts = {step.id: Facts(step, trace) for step in trace.steps}
    blanks = facts | {"film": f"**{trace.film}**", "chance": f"**{score}**"}

    def filled(text: str) -> str | None:
        try:
            return text.format_map(blanks)
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
        ask="Which of what is known of you goes best, or worst, with {film}? Guess before it is computed.",
        step="logit.field_pairs",
        told="{logit.field_pairs:top}, with {logit.field_pairs:top_value} in all; then {logit.field_pairs:second}, with {logit.field_pairs:second_value}.",
        sentences=(
            Sentence("visitor_fields", "All that is known of you is {visitor_fields:count} of {visitor_fields:size} learned numbers each: who you are, and what you liked, disliked or only watched."),
            Sentence("film_fields", "{film} is three such rows: the film itself, its genres, its years."),
            Sentence("visitor", "Here is the trick of a factorisation machine: instead of multiplying every pair of rows, it adds yours up first…"),
            Sentence("film", "…and the film's, too."),
            Sentence("logit.field_pairs", "One product of the two sums then holds all pairs at once. Taken apart, {logit.field_pairs:top} counts most ({logit.field_pairs:top_value})."),
            Sentence("visitor_alone", "What reads only you, {visitor_alone:value}, is the same for every film. It moves no film up or down your list."),
            Sentence("film_alone", "What reads only the film, {film_alone:value}, is the same for every visitor: what the film has anyway."),
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
            Sentence("interest", "Your films, each times its weight, add up to one row: the part of your taste that this film wakes. Point at a number to see what each film gave."),
            Sentence("head", "A network reads that row, the film and who you are, and says {head:value}."),
            Sentence("film_bias", "What the film has whoever asks comes on top: {film_bias:value}."),
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
            Sentence("terms", "The two multiplied are what each film adds. {terms:top} gives {terms:top_value}."),
            Sentence("film_bias", "And what {film} has without any history: {film_bias:value}."),
            Sentence("logit", "The sum, {logit:value}, is the whole model: each reason is exact, and none is hidden in a network."),
            Sentence("score", "On the list it reads {chance}."),
        ),
    ),
)  # fmt: skip
