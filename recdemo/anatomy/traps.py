"""Traps that a teaching version of these models falls into, each beside the right way.

The printed code of the documents is teaching code, and some of it does not compute what its formula says. A trap worth
knowing stands here with what goes wrong, in our own words and code. `recdemo.anatomy.trap_demos` shows its effect on a visitor. Nothing in
this file imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trap:
    """One known defect.

    Args:
        key: name in code.
        title: name for people.
        models: keys of the models whose printed code has it.
        printed: what the printed code does, in a sentence.
        right: what it should do, in a sentence.
        printed_code: the defect in a few lines of our own.
        right_code: the same lines, right.
        also: further defects of the same listing, one sentence each.
    """

    key: str
    title: str
    models: tuple[str, ...]
    printed: str
    right: str
    printed_code: str
    right_code: str
    also: tuple[str, ...] = ()


_ALL = (
    Trap(
        key="softmax_of_one",
        title="A softmax over a single thing",
        models=("afm",),
        printed="The pairs are summed into one vector first, and attention then chooses among one vector: its "
        "weight is 1 whatever is learned.",
        right="Attention chooses among the pairs of fields, and only then are they summed.",
        printed_code="pooled = pairs.sum(1, keepdim=True)\n"
        "weights = softmax(score(pooled), dim=1)  # 1\n"
        "out = (weights * pooled).sum(1)",
        right_code="weights = softmax(score(pairs), dim=1)\n"
        "out = (weights * pairs).sum(1)\n"
        "logit = bias + linear.sum(1) + out @ p",
        also=("The bias and the linear terms of the factorisation machine are left out.",),
    ),
    Trap(
        key="blind_attention",
        title="Attention that never sees the film asked about",
        models=("din",),
        printed="The weight of a film watched is computed from that film alone, so it is the same for every "
        "film asked about.",
        right="The activation unit reads both films, their difference and their product.",
        printed_code="score = unit(x)  # [B, L]\ninterest = (score * x).sum(1)",
        right_code="both = cat([x, q, x - q, x * q], -1)\n"
        "score = unit(both)  # for every q\n"
        "interest = (score * x).sum(1)",
        also=(
            "The weights are normalised by a softmax, as in the authors' code and not in the paper; here that is a "
            "setting, off.",
        ),
    ),
    Trap(
        key="dice_on_logit",
        title="An activation on the answer itself",
        models=("din",),
        printed="Dice is applied to the one number that is the logit, with a fixed a = 0.1: what is below the "
        "mean is squeezed towards zero.",
        right="Dice stands between hidden layers, with a learned a for each channel; the logit is left alone.",
        printed_code="logit = last(hidden)\np = sigmoid(norm(logit))\n"
        "logit = p * logit + (1 - p) * 0.1 * logit\nchance = sigmoid(logit)",
        right_code="hidden = dice(first(x))  # a per channel\nlogit = last(hidden)\nchance = sigmoid(logit)",
    ),
    Trap(
        key="softmax_over_steps",
        title="A softmax over a dimension of size one",
        models=("dien",),
        printed="At each step the attention is normalised by itself, over one element: it is always 1, and "
        "the second network is a plain GRU that never hears of the film asked about.",
        right="The softmax runs over the films watched, so that they compete.",
        printed_code="for t in range(L):\n    a = softmax(score(h[:, t], q), 1)  # 1\n"
        "    state = step(h[:, t], state, a)",
        right_code="a = softmax(score(h, q), 1)\nfor t in range(L):\n"
        "    state = step(h[:, t], state, a[:, t])",
        also=(
            "The auxiliary loss asks each state for the film it has just read instead of the next one.",
        ),
    ),
    Trap(
        key="random_state",
        title="An answer that depends on the dice",
        models=("dien",),
        printed="The recurrent networks start from a new random state at every call, in use as in training.",
        right="The first state is zero, or learned.",
        printed_code="state = torch.randn(B, k)  # at every call\nfor x in history:\n    state = cell(x, state)",
        right_code="state = torch.zeros(B, k)\nfor x in history:\n    state = cell(x, state)",
        also=(
            "A new batch normalisation is made in every call: one visitor alone has no variance, and it fails.",
        ),
    ),
    Trap(
        key="softmax_over_batch",
        title="A softmax that compares strangers",
        models=("rnn_joint",),
        printed="A softmax without a dimension picks the first one of a three-dimensional tensor: the visitors. "
        "The loss then takes a second softmax of that.",
        right="The cross-entropy takes raw scores, and its own softmax runs over the films.",
        printed_code="scores = states @ films.T  # [B, L, M]\np = nn.Softmax()(scores)  # over B!\n"
        "loss = cross_entropy(p.view(-1, M), next)",
        right_code="scores = states @ films.T  # [B, L, M]\n"
        "loss = cross_entropy(scores.view(-1, M), next)",
        also=("The histories are cut into windows that overlap between training and test.",),
    ),
    Trap(
        key="masked_diagonal",
        title="A mask that hides the present",
        models=("transformer4rec",),
        printed="The causal mask hides a film from itself too. The first film may then look nowhere, and a "
        "softmax of nothing but −10⁹ spreads evenly over all films, later ones included.",
        right="A film may look at itself and at what came before.",
        printed_code="allowed = ones(L, L).tril(-1)  # row 0: none\n"
        "scores = where(allowed == 1, scores, -1e9)\nweights = softmax(scores, dim=-1)",
        right_code="allowed = ones(L, L).tril()  # row 0: itself\n"
        "scores = where(allowed == 1, scores, -inf)\nweights = softmax(scores, dim=-1)",
        also=(
            "The decoder's input is its own target, not shifted by one: the answer leaks through the residual.",
            "Its second attention takes queries from the encoder and keys from the decoder, the reverse of the paper.",
            "A softmax without a dimension picks the visitors instead of the films, and the loss takes another.",
        ),
    ),
    Trap(
        key="no_padding_mask",
        title="Looking at empty places",
        models=("bst",),
        printed="Histories are filled up to one length, and attention looks at the filling as at any film.",
        right="What stands at padding is masked before the softmax.",
        printed_code="scores = q @ k.transpose(1, 2)\nweights = softmax(scores, dim=-1)",
        right_code="scores = q @ k.transpose(1, 2)\n"
        "scores = scores.masked_fill(~real, -inf)\nweights = softmax(scores, dim=-1)",
        also=(
            "The sequence is flattened at a fixed length, and nothing of the visitor's profile is read.",
        ),
    ),
    Trap(
        key="loud_positions",
        title="Positions louder than films",
        models=("bst", "transformer4rec"),
        printed="Sinusoids of full size are added to film vectors that are held to length 1 or less.",
        right="The positions have a size, learned from a small start; the paper instead enlarges the films' "
        "vectors by √k.",
        printed_code="x = films(history)  # length at most 1\nx = x + sinusoids  # length √(k/2)",
        right_code="x = films(history)\nx = x + size * sinusoids  # learned, from 0.1",
        also=(
            "The sinusoids are a plain attribute, so that they stay behind when the model is moved.",
        ),
    ),
    Trap(
        key="tanh_before_sigmoid",
        title="A chance that cannot leave the middle",
        models=("concat_mlp", "embedding_mlp", "embedding_cnn", "rnn", "pooling"),
        printed="The last layer ends in tanh, and the sigmoid comes after it: the chance lies between 26.9% and "
        "73.1%, however sure the model is.",
        right="The last layer is linear; its answer is the logit.",
        printed_code="logit = tanh(last(hidden))  # −1 to 1\nchance = sigmoid(logit)",
        right_code="logit = last(hidden)\nchance = sigmoid(logit)",
        also=("A bare squeeze removes the batch as well when one visitor asks about one film.",),
    ),
    Trap(
        key="dropout_on_logit",
        title="Dropping the answer",
        models=("concat_mlp", "embedding_mlp", "embedding_cnn", "rnn", "pooling", "din"),
        printed="Half of all logits are set to zero and the others doubled, and nobody turns it off when the "
        "model is asked.",
        right="Dropout stands on hidden units, and only in training.",
        printed_code="def forward(self, x, train=True):\n    logit = last(hidden)\n    if train:\n"
        "        logit = dropout(logit)  # 0.5\n    return sigmoid(logit)",
        right_code="hidden = self.dropout(hidden)  # a module\nreturn last(hidden)",
    ),
    Trap(
        key="two_sigmoids",
        title="Two sigmoids, one after the other",
        models=("deepfm",),
        printed="The deep part ends in a sigmoid, and its sum with the machine goes through another: it can "
        "add between 0 and 1 to the logit, and never take anything away. The linear terms are left out.",
        right="The two logits and the linear terms are added, and one sigmoid comes last.",
        printed_code="deep = sigmoid(mlp(v))\nchance = sigmoid(pairs(v) + deep)",
        right_code="logit = bias + linear + pairs(v) + mlp(v)\nchance = sigmoid(logit)",
    ),
    Trap(
        key="filter_over_dimensions",
        title="A filter along an order that does not exist",
        models=("embedding_cnn",),
        printed="One filter slides along the dimensions of the embeddings. Their order means nothing: renumber "
        "them, and its answers change.",
        right="Several filters slide along the fields, whose order is chosen, and take the dimensions as channels.",
        printed_code="x = fields  # [B, F, k]\nout = Conv1d(F, 1, 3)(x)  # along k",
        right_code="x = fields.transpose(1, 2)  # [B, k, F]\nout = Conv1d(k, maps, 3)(x)  # along F",
    ),
    Trap(
        key="wrong_name",
        title="Another model under this name",
        models=("fnn",),
        printed="What the listing calls FNN is the improved one, which feeds a sum of pairs into a network (see "
        "Improved FNN).",
        right="The model of 2016 trains a factorisation machine first and reads its weights and vectors side by side.",
        printed_code="x = v.sum(1) ** 2 - (v ** 2).sum(1)  # [B, k]\nlogit = mlp(x)",
        right_code="x = cat([w, v], dim=2).flatten(1)  # of an FM\nlogit = mlp(x)",
    ),
    Trap(
        key="shared_rows",
        title="A genre and a year in one row",
        models=("fm", "fnn_plus"),
        printed="Genres and years are both numbered from the start and looked up in one table: genre 7 and year 7 "
        "are one vector, pulled both ways.",
        right="Each field has a table of its own, or an offset into a common one.",
        printed_code="ids = cat([genre_ids, year_ids])\nv = table(ids)  # 7 is 7",
        right_code="v = cat([genre_table(genre_ids),\n         year_table(year_ids)])",
    ),
    Trap(
        key="answer_in_history",
        title="A history that holds the answer",
        models=("rnn", "rnn_als"),
        printed="At test time the history includes the film asked about, liked or not: the model is told what it "
        "should find.",
        right="A history ends before its target.",
        printed_code="history = rated[-L:]  # target among them\ntarget = rated[-1]",
        right_code="history = rated[-L - 1 : -1]\ntarget = rated[-1]",
        also=("Histories are sorted by user only, so their order is not that of time.",),
    ),
    Trap(
        key="reciprocal_rank",
        title="One over n, plus one",
        models=("popularity",),
        printed="The reciprocal rank that measures a list is written 1/n+1, which is 1 + 1/n: the worst place scores "
        "more than 1.",
        right="With n counted from zero it is 1/(n + 1): 1 for the first place, and less and less after it.",
        printed_code="n = ranked.index(film)  # from 0\nscore = 1/n+1",
        right_code="n = ranked.index(film)  # from 0\nscore = 1 / (n + 1)",
    ),
    Trap(
        key="titles_again",
        title="Every title again for every rating",
        models=("textcnn_rating",),
        printed="Word by word, in Python, the matrix of a title is put together again for each rating, and the filters "
        "read it each time.",
        right="All titles are one table of word numbers, looked up in one go, and a film that comes up several times in a "
        "step is read once.",
        printed_code="def __getitem__(self, i):  # per rating\n    title = words[film[i]]\n"
        "    return stack([glove[w] for w in title])",
        right_code="films, place = unique(batch.films)\ntitles = glove[words[films]]\nfilm = cnn(titles)[place]",
    ),
)

TRAPS: dict[str, Trap] = {trap.key: trap for trap in _ALL}


def traps_of(model: str) -> list[Trap]:
    """The known traps of a model, by its key."""
    return [trap for trap in _ALL if model in trap.models]
