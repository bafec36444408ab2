"""What a model may offer besides its logits; pages and training react to these, never to a model's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from recdemo.core.batch import Batch, Known, TitleText
from recdemo.core.terms import CrossTerms, FieldTerms, StreamTerms
from recdemo.core.vocabulary import Objective

if TYPE_CHECKING:
    from torch import Tensor, nn


@runtime_checkable
class ShowsFields(Protocol):
    """A model that can take its logit apart by fields and pairs of fields."""

    def field_terms(self, batch: Batch) -> FieldTerms: ...


@runtime_checkable
class ShowsCrosses(Protocol):
    """A model that can take its logit apart by layers of crosses, and each layer by pairs of fields."""

    def cross_terms(self, batch: Batch) -> CrossTerms: ...


@runtime_checkable
class ShowsStreams(Protocol):
    """A model of two streams, each with gates on its fields, that are multiplied head by head."""

    def stream_terms(self, batch: Batch) -> StreamTerms: ...


@runtime_checkable
class ShowsHistory(Protocol):
    """A model that weighs each watched film for each candidate."""

    def history_weights(self, batch: Batch) -> Tensor:
        """[U, C, L], zero at padding."""
        ...


@runtime_checkable
class ShowsHeads(Protocol):
    """A model whose attention has several heads, in which a candidate looks at itself too."""

    def head_weights(self, batch: Batch) -> Tensor:
        """[U, H, C, L + 1], the candidate itself last."""
        ...


@runtime_checkable
class ShowsLayers(Protocol):
    """A model in which the films watched look at each other, layer by layer and head by head."""

    def encoder_weights(self, batch: Batch) -> Tensor:
        """[U, layers, H, L, L]: a row is a film that looks, zero where it looks at padding.

        Where attention is a softmax, a row sums to one; one without may hold negative weights and sum to anything.
        """
        ...


@runtime_checkable
class ShowsEvolution(Protocol):
    """A model whose interest changes from one watched film to the next, differently for each candidate."""

    def update_gates(self, batch: Batch) -> Tensor:
        """How far each film moves the interest, [U, C, L]; zero at padding."""
        ...

    def logits_over_time(self, batch: Batch) -> Tensor:
        """The logit if the interest had stopped evolving after each film, [U, C, L]; the latest is the model's."""
        ...


@runtime_checkable
class ShowsFilmTerms(Protocol):
    """A model whose logit is a sum over the films watched."""

    def film_terms(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The logit without any film watched [B], and what each film watched adds [U, C, L]; zero at padding."""
        ...


@runtime_checkable
class PlacesFilms(Protocol):
    """A model that has, or makes, one vector per film."""

    film_meaning: ClassVar[str]  # what the vector is, as a phrase

    def film_vectors(self) -> Tensor:
        """[M + 1, k]; row 0 is unknown."""
        ...


@runtime_checkable
class PlacesUsers(PlacesFilms, Protocol):
    """A model with one vector per visitor among its film vectors: it scores by their dot product, or the
    vector is a mean of them."""

    user_meaning: ClassVar[str]  # what the vector is, as a phrase

    def user_vectors(self, batch: Batch) -> Tensor:
        """[U, k]; zero where nothing is known."""
        ...


@runtime_checkable
class Solved(Protocol):
    """A model that is counted, or solved, from all ratings in one go, without gradients."""

    def solve(self, known: Known, objective: Objective) -> None:
        """Learn from what is known."""
        ...


@runtime_checkable
class Precomputes(Protocol):
    """A model that can compute its films' side once for all answers, when its weights no longer change."""

    def precompute(self) -> None: ...


@runtime_checkable
class AuxiliaryLoss(Protocol):
    """A model with a second task that only training knows, as the next film at every step."""

    def joint(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Logits [B] as `forward` gives them, and the weighted loss [] of the second task."""
        ...


def needs_histories(model: object) -> bool:
    """Whether a model looks up what training users watched; one that knows them by id, or only their profile, says
    ``needs_histories = False``. A card's ``reads_history`` says another thing: that what a visitor watched matters."""
    return getattr(model, "needs_histories", True)


@runtime_checkable
class Staged(Protocol):
    """A model that reads what another one learned before it."""

    def first_stage(self) -> nn.Module:
        """A part of this model, to be fitted on its own first; its weights are then frozen."""
        ...


@runtime_checkable
class ReadsText(Protocol):
    """A model that starts from vectors of the films' titles."""

    def start_from(self, text: TitleText) -> None:
        """Take over the vectors of a catalogue's titles, and learn what is missing from the pieces of words."""
        ...

    def finish_text(self) -> None:
        """Training is over: the vectors stay as they were learned, and the pieces are dropped."""
        ...


@runtime_checkable
class ReadsInteractions(Protocol):
    """A model that learns along the graph of who picked what."""

    def connect(self, user: Tensor, movie: Tensor) -> None:
        """Take the graph of the ratings that train: users, from 0 or more, and the films they picked, both [N]."""
        ...

    def disconnect(self) -> None:
        """Training is over: put what the graph says into the weights, which answer without it from now on."""
        ...


@runtime_checkable
class TwoSided(Protocol):
    """A model whose logit is a dot product of the visitor's side and the film's, biases included."""

    def sides(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Visitors [U, d] and films [M + 1, d]; the logits are their dot products."""
        ...


@runtime_checkable
class Causal(TwoSided, Protocol):
    """A two-sided model that reads a history in order and has an answer after each film of it."""

    def sides_by_step(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The visitor's side after each film watched, [U, L, d], and films [M + 1, d]."""
        ...
