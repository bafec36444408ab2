"""How one answer is computed, step by step: recorded from the model's own forward pass.

The model is asked about one film of one visitor, on the path that it takes for few candidates; the contract suite holds that path
and the ranking's to be equal. What a fast path never forms, or was made ahead for all films, the model's own code makes for the
recording; the tests compute every step from those it reads, to the logit. What was noted (`recdemo.core.recording`) gets names
here: axes of one user and one candidate go, of a table of all films the row asked about stays, films are called by their titles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from recdemo.answers.explain import titles_of, unwatched
from recdemo.answers.explanation import FIELD_NAMES, pair_label
from recdemo.answers.recommend import Recommender
from recdemo.answers.step_formulas import formula_of
from recdemo.answers.step_sums import sums_of
from recdemo.answers.step_words import DIMENSION, WORDS, words_of
from recdemo.core.recording import Note, Tape, record
from recdemo.core.session import Session
from recdemo.core.steps import ANSWER, Axis, Step, Trace
from recdemo.core.vocabulary import SCORE_NAMES, Objective
from recdemo.core.wording import FILM
from recdemo.core.wording import Words as Spoken
from recdemo.encoding.encode import encode
from recdemo.models import card_of

FILM_AXES = ("film", "looking film")  # one label for each film read
NAMELESS = (DIMENSION, "filter")  # axes that labels are never of
THIS_FILM = "This film"


def trace(
    model: str | Recommender, session: Session, movie_id: int, objective: Objective | None = None
) -> Trace:
    """See `recdemo.trace`."""
    recommender = Recommender.load(model, objective) if isinstance(model, str) else model
    checkpoint = recommender.checkpoint
    target = checkpoint.schema.index_of(movie_id)
    session = unwatched(session, movie_id)
    schema = checkpoint.schema
    with torch.inference_mode(), record() as tape:
        answer = checkpoint.model(encode(schema, [session], torch.tensor([target])))
    _end_with(tape, answer)
    read = session.latest(schema.history_length).movie_ids
    words = tuple(schema.words[word - 1] if word else "" for word in schema.title_words[target])
    names = {"word": words, "genre": schema.genre_names}
    reader = _Reader(target, schema.size + 1, read, titles_of(recommender, read), names)
    steps: dict[str, Step] = {}
    for id, noted in tape.notes.items():
        steps[id] = reader.step(id, noted, steps, f"{id}_2" in tape.notes)
    last = steps[ANSWER]
    logits = recommender.logits(session)
    score = float(recommender.scores(session, logits)[target - 1])
    steps["score"] = _score(recommender.objective, last, score, logits[recommender.unseen(session)])
    steps = {id: replace(step, sums=sums_of(step, steps)) for id, step in steps.items()}
    if recommender.words != FILM:
        steps = {id: _said(step, recommender.words) for id, step in steps.items()}
    return Trace(
        model=checkpoint.key,
        title=card_of(checkpoint.card.model).title,
        objective=checkpoint.card.objective,
        movie_id=movie_id,
        film=titles_of(recommender, [movie_id])[0],
        logit=float(last.values),
        score=score,
        score_name=SCORE_NAMES[checkpoint.card.objective],
        steps=tuple(steps.values()),
    )


def _said(step: Step, w: Spoken) -> Step:
    """A step in the words for these data; titles, and the words of titles, are as they are."""
    return replace(
        step,
        name=w(step.name),
        says=w(step.says),
        formula=w(step.formula),
        axes=tuple(
            replace(
                axis,
                labels=tuple(
                    w(label)
                    if label == THIS_FILM or not (axis.movie_ids or axis.name == "word")
                    else label
                    for label in axis.labels
                ),
            )
            for axis in step.axes
        ),
    )


def _end_with(tape: Tape, answer: torch.Tensor) -> None:
    """Call the step that the answer is by what it is; it is the last."""
    made_by = tape.maker(answer)
    if not made_by:  # the model says nothing of it
        tape.notes[ANSWER] = Note(answer, "network", [], "", (), {})
        return

    def called(id: str) -> str:
        own = id == made_by or id.startswith(f"{made_by}.")
        return ANSWER + id[len(made_by) :] if own else id

    tape.notes = {
        called(id): replace(
            noted, parent=called(noted.parent), inputs=[called(one) for one in noted.inputs]
        )
        for id, noted in tape.notes.items()
    }
    tape.notes[ANSWER] = tape.notes.pop(ANSWER)


def _score(objective: Objective, logit: Step, score: float, unseen: np.ndarray) -> Step:
    """From the logit to the figure of a list; `unseen` are the logits of all films not watched."""
    words = WORDS[objective]
    parameters = {}
    if objective == "next":
        most = float(unseen.max())
        parameters["total"] = most + np.log(np.exp(unseen.astype(np.float64) - most).sum())
    return Step(
        "score", words.name, words.symbol, words.formula, "score", (logit.id,), "", (),
        np.asarray(score), words.says, parameters,
    )  # fmt: skip


class _Reader:
    """Gives what was noted its names.

    Args:
        target: index of the film asked about.
        rows: of a table of all films.
        read: ids of the films of the history that were read.
        titles: of these.
        names: of what other axes count: the words of this film's title, empty where it is padded, and the genres.
    """

    def __init__(
        self,
        target: int,
        rows: int,
        read: Sequence[int],
        titles: Sequence[str],
        names: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.target, self.rows, self.read, self.titles = target, rows, tuple(read), tuple(titles)
        self.names = names

    def step(self, id: str, noted: Note, earlier: Mapping[str, Step], several: bool) -> Step:
        """A step of a trace, one of `several` of its name."""
        values = _array(noted.value)
        words = words_of(id, several)
        inputs = tuple(one for one in noted.inputs if one in earlier)
        read = [earlier[one] for one in inputs]
        names = words.axes
        if names is None:
            names = tuple(axis.name for axis in read[0].axes) if read else ()
        same = names != words.axes and values.size == read[0].values.size if read else False
        values = values.reshape(read[0].values.shape) if same else self._cut(values, names, id)
        axes = tuple(
            self._axis(name, size, noted, place, read)
            for place, (name, size) in enumerate(zip(names, values.shape, strict=True))
        )
        return Step(
            id=id,
            name=words.name,
            symbol=words.symbol,
            formula=words.formula or formula_of(noted, words.symbol, names, read),
            operation=noted.operation,
            inputs=inputs,
            parent=noted.parent,
            axes=axes,
            values=values,
            says=words.says,
            parameters={name: _array(value) for name, value in noted.parameters.items()},
        )  # fmt: skip

    def _cut(self, values: np.ndarray, axes: Sequence[str], id: str) -> np.ndarray:
        """Values along the axes named: one user, one candidate, the row of this film, and no padding."""
        while values.ndim > len(axes):
            if values.shape[0] == self.rows:
                values = values[self.target]
            elif 1 in values.shape:
                values = values.squeeze(values.shape.index(1))
            else:
                raise ValueError(f"step {id} has values of {values.shape} along the axes {axes}")
        for place, name in enumerate(axes):
            if name in FILM_AXES:
                values = values.take(range(len(self.read)), axis=place)
            elif name == "place":  # an empty history is padding, then this film
                last = values.shape[place] - 1
                values = values.take([*range(len(self.read)), last], axis=place)
        return values

    def _axis(self, name: str, size: int, noted: Note, place: int, read: Sequence[Step]) -> Axis:
        if name in FILM_AXES:
            return Axis(name, size, self.titles, self.read)
        if name == "place":
            return Axis(name, size, (*self.titles, THIS_FILM), self.read)
        if len(noted.labels) == size and name not in NAMELESS:
            return Axis(name, size, tuple(map(_called, noted.labels)))
        if name in self.names:
            return Axis(name, size, self.names[name])
        if noted.operation == "word_windows" and name == "window":
            wide = noted.parameters["weight"].shape[-1]
            words = self.names["word"]
            windows = (" ".join(words[place : place + wide]).strip() for place in range(size))
            return Axis(name, size, tuple(windows))
        if noted.operation == "concat" and name == "number":
            return Axis(name, size, parts=_parts(read))
        others = [axis for step in read for axis in step.axes]
        return next(
            (one for one in others if (one.name, one.size) == (name, size)), Axis(name, size)
        )


def _called(label: str | tuple[str, ...]) -> str:
    """A field, a pair of fields, or fields side by side; anything else is called what it is."""
    if isinstance(label, str):
        return FIELD_NAMES.get(label, label)
    if len(label) == 2:
        return pair_label(*label)
    return ", ".join(FIELD_NAMES[name] for name in label)


def _parts(read: Sequence[Step]) -> tuple[tuple[str, int], ...]:
    """What stands side by side: steps, of these with a name for each row the rows."""
    parts: list[tuple[str, int]] = []
    for step in read:
        rows = step.axes[0].labels if len(step.axes) > 1 else ()
        size = step.values.size
        parts += [(row, size // len(rows)) for row in rows] if rows else [(step.name, size)]
    return tuple(parts)


def _array(value: object) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return np.asarray(value, dtype=np.float64)
