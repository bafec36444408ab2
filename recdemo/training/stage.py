"""A model, or its first stage, while it is being trained: optimizer, schedule, early stopping, the best weights."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from recdemo.blocks.fold_in import UserTable
from recdemo.core.errors import RequestError
from recdemo.core.figures import MAIN, METRICS
from recdemo.core.protocols import AuxiliaryLoss
from recdemo.core.vocabulary import Objective
from recdemo.encoding.ratings import Ratings
from recdemo.training.distributed import Ranks
from recdemo.training.losses import loss_of
from recdemo.training.observer import Epoch
from recdemo.training.settings import Settings
from recdemo.training.snapshot import Fit, Snapshot

EXPLODED = 10  # times the loss of a constant answer, which no beginning is, however slow


class DivergedError(RequestError):
    """The loss, or a weight, became NaN or infinite, or the loss is far above that of a constant answer."""


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


class Stage:
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

    def check_sound(self, losses: tuple[float, float], epoch: int, films: int) -> None:
        """Refuse what has diverged.

        A constant answer has a loss of log 2 at most where likes are learned, of log M where M films are told apart, and
        of the stars' variance, 4 at most, where stars are: 4 + log M bounds it for every objective. What begins slowly,
        or is thrown back for some steps, does not end an epoch far above that.

        Args:
            losses: mean of the epoch, and of its last step.
            epoch: its number.
            films: M.

        Raises:
            DivergedError: it has.
        """
        second = self.settings.second_task if isinstance(self.learner, AuxiliaryLoss) else 0.0
        constant = (4 + math.log(films)) * (1 + second)
        finite = all(map(math.isfinite, losses))
        if not finite or not all(bool(p.isfinite().all()) for p in self.learner.parameters()):
            what = f"the loss became NaN or infinite in epoch {epoch}"
        elif min(losses) > EXPLODED * constant:
            what = f"epoch {epoch} has a loss of {losses[0]:.2g}, where a constant answer has {constant:.2g} at most"
        else:
            return
        raise DivergedError(
            f"training diverged: {what}; ask for a learning rate below {self.settings.learning_rate:g}"
        )

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


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=decay, fused=True)
    if settings.optimizer == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay, fused=True)
    return torch.optim.AdamW(weights, lr=rate, weight_decay=decay, fused=True)
