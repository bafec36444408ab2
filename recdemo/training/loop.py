"""One training loop for every model: it knows batches and losses, nothing of what a model computes.

Ratings lie in memory as tensors, all or a part of them at a time (`recdemo.training.feed`); a batch is a gather. What is learned
from it, `recdemo.training.losses` says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn

from recdemo.core.batch import Known
from recdemo.core.errors import CheckpointError, RequestError
from recdemo.core.protocols import ReadsInteractions, ReadsText, Solved, Staged
from recdemo.core.vocabulary import Objective
from recdemo.data import TRAIN
from recdemo.encoding.ratings import Ratings
from recdemo.training.distributed import ALONE, Ranks, check_shares
from recdemo.training.feed import Source, each
from recdemo.training.losses import chances_of, of_like_length, to_learn, trains_steps
from recdemo.training.observer import SILENT, Epoch, Observer, Step
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit, Snapshot, StateFile
from recdemo.training.stage import Stage
from recdemo.training.validation import validation


def fit(
    model: nn.Module,
    source: Source,
    objective: Objective,
    settings: Settings,
    *,
    state: StateFile | None = None,
    ranks: Ranks = ALONE,
    observer: Observer = SILENT,
) -> Fit:
    """Train in place; stop early on validation and go back to the best epoch.

    Several ranks that call this alike, within `Ranks.together`, train the one model that each of them holds then. A
    batch is as large as for one rank, and shared among them.

    Args:
        model: any model of the zoo, freshly made (seed it before: `Settings.seed` seeds the loop).
        source: the ratings; those that test are never read here.
        objective: what it learns.
        settings: how to train.
        state: holds the fit after each epoch. Where it holds one already, this goes on from there and reaches what an
            undisturbed fit reaches. With one rank only.
        ranks: which of how many processes this is.
        observer: is told of each step and epoch.

    Raises:
        RequestError: training has diverged (`DivergedError`), too few ratings say anything about the objective, or a batch
            is too small to be shared.
    """
    began = time.perf_counter()
    if isinstance(model, Solved):
        model.solve(_known(source, objective), objective)
        return Fit(seconds=time.perf_counter() - began)

    if isinstance(model, ReadsInteractions):
        _connect(model, source, objective)
    start = _start(state, observer)
    done: list[Epoch] = []
    if start:
        model.load_state_dict(start.model)
        done += start.fit.epochs
        began -= start.fit.seconds
    validate = validation(source, objective)
    chances = chances_of(source, settings) if objective == "next" else None
    batches = Batches(source, model, objective, settings)
    check_shares(batches.smallest, ranks)
    stages = _stages(model)
    for number, learner in enumerate(stages):
        if start and number < start.stage:
            learner.requires_grad_(False)  # its weights came with the model's
            continue
        stage = Stage(
            learner, objective, settings, batches.steps, ranks, chances=chances, earlier=len(done)
        )
        if start and number == start.stage:
            stage.go_on(start)
        most = stage.earlier + (len(stages) - number) * settings.epochs
        while not stage.is_over(len(done)):
            epoch_began = time.perf_counter()
            loss = _learn_epoch(stage, batches, len(done) + 1, most, observer)
            seconds = time.perf_counter() - epoch_began
            stage.summarise(source.profile)
            epoch = Epoch(
                epoch=len(done) + 1,
                loss=loss,
                metrics=ranks.on_main(partial(validate, learner)),
                samples_per_second=batches.rows / seconds,
                seconds=seconds,
            )
            done.append(epoch)
            observer.on_epoch(epoch)
            stage.remember(epoch)
            if state:
                so_far = Fit(list(done), stage.best_epoch, time.perf_counter() - began)
                state.write(stage.snapshot(number, model, so_far))
        stage.go_back_to_best(source.profile)
        if learner is not model:
            learner.requires_grad_(False)
    if isinstance(model, ReadsInteractions):
        model.disconnect()
    if isinstance(model, ReadsText):
        model.finish_text()
    return Fit(epochs=done, best_epoch=stage.best_epoch, seconds=time.perf_counter() - began)


def _start(state: StateFile | None, observer: Observer) -> Snapshot | None:
    """Where to go on from; None for the beginning."""
    try:
        start = state.read() if state else None
    except CheckpointError as error:
        observer.on_problem(f"{error}; the run starts from the beginning")
        return None
    for epoch in start.fit.epochs if start else ():
        observer.on_epoch(epoch)
    return start


def _learn_epoch(
    stage: Stage, batches: Batches, epoch: int, epochs: int, observer: Observer
) -> float:
    """Learn from each batch once; the mean loss."""
    stage.learner.train()
    total, samples = torch.zeros(()), 0
    for step, (ratings, part, rows) in enumerate(batches.drawn(stage.order), start=1):
        last = stage.learn_from(ratings, part, rows)
        total += last
        samples += len(rows)
        losses = total * stage.ranks.size  # its own share of the rows stands for all
        observer.on_step(Step(epoch, epochs, step, batches.steps, samples, losses))
    total, last = stage.ranks.all_reduce(total), stage.ranks.all_reduce(last)
    stage.ranks.sync_batchnorm(stage.learner)
    loss = float(total) / batches.rows
    stage.check_sound((loss, float(last) / len(rows)), epoch, batches.films)
    return loss


class Batches:
    """What an epoch reads: of each part of the ratings so many rows, drawn each time, in so many batches.

    Args:
        source: the ratings.
        model: what learns from them.
        objective: what it learns.
        settings: how large a batch is, and which share is read.

    Raises:
        RequestError: there is nothing to read.
    """

    def __init__(
        self, source: Source, model: nn.Module, objective: Objective, settings: Settings
    ) -> None:
        self.source, self.films = source, source.schema.size
        self._by_step = trains_steps(model, objective)
        self._to_learn = partial(to_learn, objective=objective, steps=self._by_step)
        self._rows = [_drawn(len(self._to_learn(*part)), settings) for part in each(source)]
        self._counts = [_batches(rows, settings) for rows in self._rows]
        self.rows, self.steps = sum(self._rows), sum(self._counts)
        if not self.rows:
            raise RequestError(
                f"fewer than two ratings of the training part say anything about {objective!r}; give more ratings"
            )

    @property
    def smallest(self) -> int:
        """Rows of the smallest batch."""
        sizes = zip(self._rows, self._counts, strict=True)
        return min(rows // count for rows, count in sizes if rows)

    def drawn(self, order: Callable[[int], Tensor]) -> Iterator[tuple[Ratings, Tensor, Tensor]]:
        """The batches of one epoch: ratings, which of them train, and the rows of the batch.

        Args:
            order: a random order of so many things.
        """
        for place in order(len(self.source)).tolist():
            if not self._rows[place]:
                continue
            ratings, part = self.source[place]
            rows = self._to_learn(ratings, part)
            rows = rows[order(len(rows))[: self._rows[place]]]
            # Batches of one size, give or take one.
            batches = list(rows.tensor_split(self._counts[place]))
            if self._by_step:
                batches = of_like_length(batches, ratings)
                batches = [batches[i] for i in order(len(batches)).tolist()]
            for batch in batches:
                yield ratings, part, batch


def _drawn(rows: int, settings: Settings) -> int:
    """How many of these an epoch reads: two at least, for a single one has no variance to learn from."""
    return max(2, round(rows * settings.share)) if rows > 1 else 0


def _batches(rows: int, settings: Settings) -> int:
    """How many batches of one size, give or take one, these make; none is a single row."""
    return min(-(-rows // settings.batch_size), rows // 2)


def _stages(model: nn.Module) -> tuple[nn.Module, ...]:
    """What is trained one after the other, the model itself last."""
    return (*_stages(model.first_stage()), model) if isinstance(model, Staged) else (model,)


def _known(source: Source, objective: Objective) -> Known:
    """All that trains, of all parts."""
    columns = []
    for ratings, part in each(source):
        rows = torch.nonzero(part == TRAIN).squeeze(1)
        answer = {"like": ratings.liked, "next": ratings.picked, "rating": ratings.stars}[objective]
        user = ratings.user + ratings.earlier_users
        read = (user, ratings.movie, ratings.feedback, answer)
        columns.append([column[rows] for column in read])
    return Known(*map(torch.cat, zip(*columns, strict=True)))


def _connect(model: ReadsInteractions, source: Source, objective: Objective) -> None:
    """Show a model that learns along a graph who picked what in all that trains."""
    users, movies = [], []
    for ratings, part in each(source):
        rows = to_learn(ratings, part, objective, steps=False)
        users.append(ratings.user[rows].long() + ratings.earlier_users)
        movies.append(ratings.movie[rows].long())
    model.connect(torch.cat(users), torch.cat(movies))
