"""What each known trap of `recdemo.anatomy.traps` would do to a visitor's own answers, with a trained model's weights.

Each demonstration computes the trap and the right way from the same model, visitor and films. Where a trap is about a
chance, the model trained on "would they like it" is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from recdemo.anatomy.trap_demos import attention, inputs, logit, sequence
from recdemo.anatomy.trap_demos.case import Case, Demonstration
from recdemo.answers.explain import unwatched
from recdemo.answers.recommend import Recommender
from recdemo.core.session import Session

_SHOWN: dict[str, Callable[[Case], Demonstration | None]] = {
    show.__name__: show
    for show in (
        attention.softmax_of_one,
        attention.blind_attention,
        attention.softmax_over_steps,
        attention.masked_diagonal,
        attention.no_padding_mask,
        attention.loud_positions,
        logit.dice_on_logit,
        logit.tanh_before_sigmoid,
        logit.dropout_on_logit,
        logit.two_sigmoids,
        sequence.random_state,
        sequence.softmax_over_batch,
        sequence.answer_in_history,
        inputs.filter_over_dimensions,
        inputs.shared_rows,
        inputs.reciprocal_rank,
        inputs.titles_again,
    )
}


def demonstrate(
    key: str, recommender: Recommender, session: Session, movie_ids: Sequence[int]
) -> Demonstration | None:
    """What a trap would do.

    Args:
        key: of `recdemo.anatomy.traps.TRAPS`.
        recommender: a model that the trap is known of.
        session: who asks; films asked about count as not yet watched.
        movie_ids: films asked about, one or more.

    Returns:
        None where there is nothing to compute: a trap of names only, or one that needs films watched.
    """
    if key not in _SHOWN:
        return None
    for movie in movie_ids:
        session = unwatched(session, movie)
    with torch.inference_mode():
        return _SHOWN[key](Case(recommender, session, tuple(movie_ids)))
