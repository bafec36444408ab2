"""Recurrence over a history: RNN, GRU, LSTM, and the GRU whose update gate listens to attention."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from recdemo.core.recording import note

Cell = Literal["rnn", "gru", "lstm"]
LAYERS: dict[Cell, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CHUNK = 512  # candidates carried through an AUGRU at once: keeps its state in the processor's cache


class Recurrence(nn.Module):
    """One layer of `torch.nn`'s RNN, GRU or LSTM over histories that are padded at the end.

    Args:
        cell: which.
        in_dim: width of the inputs.
        hidden: width h of the state.

    Raises:
        ValueError: `cell` is unknown.
    """

    def __init__(self, cell: Cell, in_dim: int, hidden: int) -> None:
        super().__init__()
        if cell not in LAYERS:
            raise ValueError(f"cell {cell!r} is unknown; use one of {' '.join(LAYERS)}")
        self.cell: Cell = cell
        self.layer = LAYERS[cell](in_dim, hidden)

    def states(self, x: Tensor, mask: Tensor) -> Tensor:
        """State after each film; zero at padding.

        Args:
            x: [U, L, in_dim].
            mask: [U, L] True where a film stands.

        Returns:
            [U, L, h]
        """
        # Padding stands after every film, and changes none.
        after, _ = self.layer(x.transpose(0, 1))
        states = after.transpose(0, 1) * mask.unsqueeze(-1)
        return note("states", states, self.cell, x, by=self.layer)

    def final(self, x: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """State after the last film, as (h,) or, for an LSTM, (h, c); zero for an empty history.

        Args: as in `states`.

        Returns:
            Tensors [U, h].
        """
        if not isinstance(self.layer, nn.LSTM):
            return (last_of(self.states(x, mask), mask),)
        lengths = mask.sum(1).clamp(min=1).cpu()  # packing knows no empty sequence
        _, state = self.layer(
            pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        )
        some = mask.any(1).unsqueeze(1)
        final = tuple(part[0] * some for part in state)
        note(
            "states",
            lambda: self.layer(x.transpose(0, 1))[0].transpose(0, 1),
            "lstm",
            x,
            by=self.layer,
        )
        note("state", final[0], "last", "states")
        return final

    def step(self, x: Tensor, state: tuple[Tensor, ...]) -> Tensor:
        """State h after one more input: [N, in_dim] and tensors [N, h] → [N, h]."""
        given = tuple(part.unsqueeze(0).contiguous() for part in state)
        after, _ = self.layer(x.unsqueeze(0), given if len(given) > 1 else given[0])
        more: dict[str, Any] = {"cell_state": state[1]} if len(state) > 1 else {}
        return note("candidate_state", after[0], self.cell, x, state[0], by=self.layer, **more)


def last_of(states: Tensor, mask: Tensor) -> Tensor:
    """State at the last film of each history, zero where there is none: [U, L, h], [U, L] → [U, h]."""
    last = (mask.sum(1) - 1).clamp(min=0)
    state = states[torch.arange(len(last)), last] * mask.any(1, keepdim=True)
    return note("state", state, "last", states)


class AUGRU(nn.Module):
    """A GRU whose update gate is scaled by attention: u' = a_t u, h_t = (1 − u') h_{t−1} + u' h̃.

    Zhou et al., "Deep Interest Evolution Network", AAAI 2019, eq. 5; document eq. 3-27 to 3-29. What the
    gates read of the inputs is the same for all candidates of a user, and computed once per user.

    Args:
        in_dim: width of the inputs.
        hidden: width h of the state.
    """

    def __init__(self, in_dim: int, hidden: int) -> None:
        super().__init__()
        cell = nn.GRUCell(in_dim, hidden)  # its initial values
        self.from_input = nn.Linear(in_dim, 3 * hidden)  # reset, update, candidate
        self.from_state = nn.Linear(hidden, 3 * hidden)
        for layer, side in ((self.from_input, "ih"), (self.from_state, "hh")):
            layer.load_state_dict(
                {"weight": getattr(cell, f"weight_{side}"), "bias": getattr(cell, f"bias_{side}")}
            )

    def forward(self, x: Tensor, attention: Tensor) -> Tensor:
        """Final state of every candidate.

        Args:
            x: [U, L, in_dim].
            attention: [U, C, L], zero at padding: there the state stays as it is.

        Returns:
            [U, C, h]
        """
        gates = self.from_input(x)  # [U, L, 3h]
        parts = attention.split(CHUNK, dim=1)
        final = torch.cat(
            [deque(self._evolve(gates, part), maxlen=1)[0][0] for part in parts], dim=1
        )
        # What is forgotten on the way, a recording makes again.
        given: dict[str, Any] = {
            "weight_ih": self.from_input.weight,
            "bias_ih": self.from_input.bias,
        }
        given |= {"weight_hh": self.from_state.weight, "bias_hh": self.from_state.bias}
        moves = partial(self.update_gates, x, attention)
        note("moves", moves, "update_gates", x, attention, **given)
        note("evolution", partial(self.states, x, attention), "augru", x, attention, **given)
        return note("interest", final, "last", "evolution")

    def update_gates(self, x: Tensor, attention: Tensor) -> Tensor:
        """How far each film moved the state: mean over h of u' = a_t u, [U, C, L]."""
        moves = [moved.mean(-1) for _, moved in self._evolve(self.from_input(x), attention)]
        return torch.stack(moves, dim=2)

    def states(self, x: Tensor, attention: Tensor) -> Tensor:
        """State after each film, [U, C, L, h]; arguments as in `forward`."""
        states = [state for state, _ in self._evolve(self.from_input(x), attention)]
        return torch.stack(states, dim=2)

    def _evolve(self, gates: Tensor, attention: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """State after each film, and u' which led there, each [U, C, h]."""
        hidden = self.from_state.in_features
        state = gates.new_zeros(*attention.shape[:2], hidden)
        for step, weight in zip(gates.unbind(1), attention.unbind(2), strict=True):
            given = step.unsqueeze(1)  # [U, 1, 3h]
            kept = self.from_state(state)  # [U, C, 3h]
            reset, update = torch.sigmoid(given[..., : 2 * hidden] + kept[..., : 2 * hidden]).chunk(
                2, dim=-1
            )
            candidate = torch.tanh(given[..., 2 * hidden :] + reset * kept[..., 2 * hidden :])
            moved = update * weight.unsqueeze(-1)
            state = torch.lerp(state, candidate, moved)
            yield state, moved
