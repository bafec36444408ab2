"""One training loop for every model: it knows batches and losses, nothing of what a model computes.

Ratings lie in memory as tensors, all or a part of them at a time (`recdemo.training.feed`); a batch is a gather. What is learned
from it, `recdemo.training.losses` says.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from recdemo.blocks.fold_in import UserTable
from recdemo.core.batch import Known
from recdemo.core.errors import RequestError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.protocols import AuxiliaryLoss, ReadsInteractions, Solved, Staged
from recdemo.core.vocabulary import Objective
from recdemo.data import TRAIN, VALIDATION
from recdemo.encoding.ratings import Ratings
from recdemo.training.distributed import ALONE, Ranks, check_shares
from recdemo.training.feed import InMemory, Source, each
from recdemo.training.losses import chances_of, loss_of, of_like_length, to_learn, trains_steps
from recdemo.training.metrics import Answers, ask, join, questions
from recdemo.training.settings import Epoch as Epoch
from recdemo.training.settings import Settings as Settings
from recdemo.training.settings import Step

VALIDATION_USERS = 1000  # users ranked after each epoch of `next`
EXPLODED = 10  # times the loss of a constant answer, which no beginning is, however slow


class DivergedError(RequestError):
    """The loss, or a weight, became NaN or infinite, or the loss is far above that of a constant answer."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A finished training run; the model holds the weights of its best epoch."""

    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fit after a whole epoch: all that the rest of it depends on, besides its arguments.

    Its tensors are those in use: whoever keeps a snapshot writes them out, or copies them, at once.
    """

    stage: int  # which of `_stages` is being trained
    earlier: int  # epochs of the stages before it
    model: dict[str, Tensor]
    best: dict[str, Tensor]  # of the stage, after its best epoch
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    random: Tensor  # state of the generator
    fit: Fit  # so far


def fit(
    model: nn.Module,
    ratings: Ratings,
    part: Tensor,
    objective: Objective,
    settings: Settings,
    *,
    start: Snapshot | None = None,
    ranks: Ranks = ALONE,
    on_step: Callable[[Step], None] = lambda step: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
) -> Fit:
    """Train in place; stop early on validation and go back to the best epoch.

    Args:
        model: any model of the zoo, freshly made (seed it before: `Settings.seed` seeds the loop).
        ratings: all ratings.
        part: [N] int, 0 train, 1 validation, 2 test (never read here).
        objective: what it learns.
        settings: how to train.
        start, ranks, on_step, on_epoch, on_snapshot: see `fit_parts`.

    Raises:
        RequestError: training has diverged (`DivergedError`), too few ratings say anything about the objective, or a batch
            is too small to be shared.
    """
    return fit_parts(
        model,
        InMemory(ratings, part),
        objective,
        settings,
        start=start,
        ranks=ranks,
        on_step=on_step,
        on_epoch=on_epoch,
        on_snapshot=on_snapshot,
    )


def fit_parts(
    model: nn.Module,
    source: Source,
    objective: Objective,
    settings: Settings,
    *,
    start: Snapshot | None = None,
    ranks: Ranks = ALONE,
    on_step: Callable[[Step], None] = lambda step: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_snapshot: Callable[[Snapshot], None] = lambda snapshot: None,
) -> Fit:
    """The same from ratings in one part or several.

    Several ranks that call this alike, within `Ranks.together`, train the one model that each of them holds then. A
    batch is as large as for one rank, and shared among them.

    Args:
        model: any model of the zoo, freshly made (seed it before: `Settings.seed` seeds the loop).
        source: the ratings; those that test are never read here.
        objective: what it learns.
        settings: how to train.
        start: go on from here, and reach what an undisturbed fit reaches; with one rank only.
        ranks: which of how many processes this is.
        on_step: called after each step.
        on_epoch: called after each validation.
        on_snapshot: called after each epoch, last.

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
    done: list[Epoch] = []
    if start:
        model.load_state_dict(start.model)
        done += start.fit.epochs
        began -= start.fit.seconds
    validate = validation(source, objective)
    chances = chances_of(source, settings) if objective == "next" else None
    # Rows and batches of an epoch, from each part.
    every_step = trains_steps(model, objective)
    learned_from = partial(to_learn, objective=objective, steps=every_step)
    drawn_of = [_drawn(len(learned_from(*part)), settings) for part in each(source)]
    batches_of = [_batches(rows, settings) for rows in drawn_of]
    drawn, steps = sum(drawn_of), sum(batches_of)
    if not drawn:
        raise RequestError(
            f"fewer than two ratings of the training part say anything about {objective!r}; give more ratings"
        )
    sizes = [rows // count for rows, count in zip(drawn_of, batches_of, strict=True) if rows]
    check_shares(min(sizes), ranks)
    stages = _stages(model)
    for number, learner in enumerate(stages):
        if start and number < start.stage:
            learner.requires_grad_(False)  # its weights came with the model's
            continue
        stage = _Stage(
            learner, objective, settings, steps, ranks, chances=chances, earlier=len(done)
        )
        if start and number == start.stage:
            stage.go_on(start)
        most = stage.earlier + (len(stages) - number) * settings.epochs
        while not stage.is_over(len(done)):
            epoch_began = time.perf_counter()
            learner.train()
            total, step, samples = torch.zeros(()), 0, 0
            for place in stage.order(len(source)).tolist():
                if not drawn_of[place]:
                    continue
                ratings, part = source[place]
                rows = learned_from(ratings, part)
                rows = rows[stage.order(len(rows))[: drawn_of[place]]]
                # Batches of one size, give or take one.
                batches = list(rows.tensor_split(batches_of[place]))
                if every_step:
                    batches = of_like_length(batches, ratings)
                    batches = [batches[i] for i in stage.order(len(batches)).tolist()]
                for batch_rows in batches:
                    last = stage.learn_from(ratings, part, batch_rows)
                    total += last
                    samples += len(batch_rows)
                    step += 1
                    losses = total * ranks.size  # its own share of the rows stands for all
                    on_step(Step(len(done) + 1, most, step, steps, samples, losses))
            total, last = ranks.all_reduce(total), ranks.all_reduce(last)
            ranks.sync_batchnorm(learner)
            seconds = time.perf_counter() - epoch_began
            losses_of = float(total) / drawn, float(last) / len(batch_rows)
            _check_sound(learner, losses_of, len(done) + 1, source.schema.size, settings)
            stage.summarise(source.profile)
            epoch = Epoch(
                epoch=len(done) + 1,
                loss=float(total) / drawn,
                metrics=ranks.on_main(partial(validate, learner)),
                samples_per_second=drawn / seconds,
                seconds=seconds,
            )
            done.append(epoch)
            on_epoch(epoch)
            stage.remember(epoch)
            so_far = Fit(list(done), stage.best_epoch, time.perf_counter() - began)
            on_snapshot(stage.snapshot(number, model, so_far))
        stage.go_back_to_best(source.profile)
        if learner is not model:
            learner.requires_grad_(False)
    if isinstance(model, ReadsInteractions):
        model.disconnect()
    return Fit(epochs=done, best_epoch=stage.best_epoch, seconds=time.perf_counter() - began)


class _Lesson(nn.Module):
    """A model with its loss around it: one call for the gradients of several ranks to be averaged after."""

    def __init__(
        self, model: nn.Module, objective: Objective, settings: Settings, chances: Tensor | None
    ) -> None:
        super().__init__()
        self.model, self.objective, self.settings = model, objective, settings
        self.chances = chances

    def forward(self, ratings: Ratings, part: Tensor, rows: Tensor) -> Tensor:
        return loss_of(self.model, ratings, rows, self.objective, self.settings, part, self.chances)


class _Stage:
    """A model, or its first stage, while it is being trained."""

    def __init__(
        self,
        learner: nn.Module,
        objective: Objective,
        settings: Settings,
        steps_of_epoch: int,
        ranks: Ranks,
        *,
        chances: Tensor | None,
        earlier: int,
    ) -> None:
        self.common = ranks.seed(settings.seed)
        self.learner, self.settings, self.ranks = learner, settings, ranks
        self.figure = MAIN[objective]
        self.sign = METRICS[self.figure].better
        steps = settings.epochs * steps_of_epoch
        self.optimizer = _optimizer(learner, settings)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: 1 - step / steps
        )
        self.lesson = ranks.wrap_ddp(_Lesson(learner, objective, settings, chances))
        self.earlier = self.best_epoch = earlier
        self.best_state, self.best_value = copy.deepcopy(learner.state_dict()), float("-inf")

    def go_on(self, start: Snapshot) -> None:
        self.optimizer.load_state_dict(start.optimizer)
        self.schedule.load_state_dict(start.schedule)
        torch.set_rng_state(start.random)
        self.earlier, self.best_epoch = start.earlier, start.fit.best_epoch
        self.best_state = start.best
        if self.best_epoch > self.earlier:
            self.best_value = self._value(start.fit.epochs[self.best_epoch - 1])

    def is_over(self, done: int) -> bool:
        without_better = done - self.best_epoch
        longest = self.earlier + self.settings.epochs
        return done >= longest or without_better >= max(1, self.settings.patience)

    def order(self, count: int) -> Tensor:
        """[count] a random order of rows, or of parts, the same for all ranks."""
        if count == 1:
            return torch.zeros(1, dtype=torch.long)  # nothing is drawn
        return torch.randperm(count, generator=self.common, device="cpu")

    def learn_from(self, ratings: Ratings, part: Tensor, rows: Tensor) -> Tensor:
        """One step; the summed loss of this rank's share of the rows."""
        share = self.ranks.share(rows)
        self.optimizer.zero_grad()
        loss = self.lesson(ratings, part, share)
        # Gradients are averaged over the ranks: a share larger by one row counts for more.
        (loss * (len(share) * self.ranks.size / len(rows))).backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.detach() * len(share)

    def remember(self, epoch: Epoch) -> None:
        if self._value(epoch) > self.best_value:
            self.best_state = copy.deepcopy(self.learner.state_dict())
            self.best_value, self.best_epoch = self._value(epoch), epoch.epoch

    def snapshot(self, number: int, model: nn.Module, so_far: Fit) -> Snapshot:
        return Snapshot(
            stage=number,
            earlier=self.earlier,
            model=model.state_dict(),
            best=self.best_state,
            optimizer=self.optimizer.state_dict(),
            schedule=self.schedule.state_dict(),
            random=torch.get_rng_state(),
            fit=so_far,
        )

    def go_back_to_best(self, profile: Tensor) -> None:
        self.learner.load_state_dict(self.best_state)
        self.learner.eval()
        self.summarise(profile)

    def summarise(self, profile: Tensor) -> None:
        """What is known of users in general, for those who are folded in."""
        for module in self.learner.modules():
            if isinstance(module, UserTable):
                module.summarise(profile)

    def _value(self, epoch: Epoch) -> float:
        return self.sign * epoch.metrics[self.figure]


def _stages(model: nn.Module) -> tuple[nn.Module, ...]:
    """What is trained one after the other, the model itself last."""
    return (*_stages(model.first_stage()), model) if isinstance(model, Staged) else (model,)


def _drawn(rows: int, settings: Settings) -> int:
    """How many of these an epoch reads: two at least, for a single one has no variance to learn from."""
    return max(2, round(rows * settings.share)) if rows > 1 else 0


def _batches(rows: int, settings: Settings) -> int:
    """How many batches of one size, give or take one, these make; none is a single row."""
    return min(-(-rows // settings.batch_size), rows // 2)


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


def _check_sound(
    model: nn.Module, losses: tuple[float, float], epoch: int, films: int, settings: Settings
) -> None:
    """Refuse what has diverged.

    A constant answer has a loss of log 2 at most where likes are learned, of log M where M films are told apart, and
    of the stars' variance, 4 at most, where stars are: 4 + log M bounds it for every objective. What begins slowly, or
    is thrown back for some steps, does not end an epoch far above that.

    Args:
        model: after the epoch.
        losses: mean of the epoch, and of its last step.
        epoch: its number.
        films: M.
        settings: of the fit.
    """
    besides = settings.second_task if isinstance(model, AuxiliaryLoss) else 0.0
    constant = (4 + math.log(films)) * (1 + besides)
    finite = all(map(math.isfinite, losses))
    if not finite or not all(bool(p.isfinite().all()) for p in model.parameters()):
        what = f"the loss became NaN or infinite in epoch {epoch}"
    elif min(losses) > EXPLODED * constant:
        what = f"epoch {epoch} has a loss of {losses[0]:.2g}, where a constant answer has {constant:.2g} at most"
    else:
        return
    raise DivergedError(
        f"training diverged: {what}; ask for a learning rate below {settings.learning_rate:g}"
    )


def evaluate(
    model: nn.Module, ratings: Ratings, rows_of: Tensor, objective: Objective
) -> dict[str, float]:
    """The protocol's figures on one part.

    Args:
        model: trained.
        ratings: all ratings.
        rows_of: [N] True for the rows of the part.
        objective: which figures: AUC and log-loss; HR@10, NDCG@10 and MRR; or RMSE and MSE.
    """
    return ask(model, ratings, questions(ratings, rows_of, objective), objective).metrics


def answers_of(
    model: nn.Module, source: Source, asked: Sequence[Tensor], objective: Objective
) -> Answers:
    """What a model answers about rows of each part, joined; a part without any is not read."""
    places = [place for place, rows in enumerate(asked) if len(rows)] or [0]
    return join([ask(model, source[place][0], asked[place], objective) for place in places])


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=decay, fused=True)
    if settings.optimizer == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay, fused=True)
    if settings.optimizer != "adamw":
        raise RequestError(f"optimizer {settings.optimizer!r} is unknown; use adamw, adam or sgd")
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)


def validation(source: Source, objective: Objective) -> Callable[[nn.Module], dict[str, float]]:
    """What judges a model after an epoch: its figures on the validation part, for `next` on a sample of the users."""
    if objective != "next" and len(source) == 1:
        ratings, part = source[0]
        return lambda model: evaluate(model, ratings, part == VALIDATION, objective)
    asked = [questions(ratings, part == VALIDATION, objective) for ratings, part in each(source)]
    if objective == "next":
        whole = torch.cat(asked)
        draw = torch.Generator("cpu").manual_seed(0)
        chosen = torch.randperm(len(whole), generator=draw, device="cpu")[:VALIDATION_USERS]
        ends = list(accumulate(map(len, asked)))
        asked = [
            whole[chosen[(chosen >= end - len(rows)) & (chosen < end)]]
            for rows, end in zip(asked, ends, strict=True)
        ]
    return lambda model: answers_of(model, source, asked, objective).metrics
