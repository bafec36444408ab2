"""What the steps of an answer are called and what they say, by the ids that models and blocks note them by.

Each has a name, a symbol, the names of its axes, and a sentence. Its formula follows from its operation and the symbols of what it
reads (`recdemo.answers.step_formulas`), unless it has one of its own here. A step without words is called by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

DIMENSION, UNIT = "dimension", "unit"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a step.

    `axes` names those of its values, None for those of what it reads first; `formula` may be left to its operation.
    """

    name: str
    symbol: str
    axes: tuple[str, ...] | None = None
    says: str = ""
    formula: str = ""


WORDS: dict[str, Words] = {
    # What goes in
    "visitor_fields": Words(
        "Vectors of the visitor's fields", "v_i", ("field", DIMENSION),
        "What the model has learned about each thing it knows about you: a row of numbers; for films you watched, a weighted sum of their rows.",
        r"v_i = \mathrm{table}_i[\text{your value}]",
    ),
    "film_fields": Words(
        "Vectors of the film's fields", "v_j", ("film field", DIMENSION),
        "What the model has learned about this film, its genres and its years.",
        r"v_j = \mathrm{table}_j[\text{the film's value}]",
    ),
    "visitor_weights": Words(
        "Weights of the visitor's fields", "w_i", ("field",),
        "What each thing known about you adds by itself, whatever the film.",
        r"w_i = \mathrm{table}_i[\text{your value}]",
    ),
    "film_weights": Words(
        "Weights of the film's fields", "w_j", ("film field",),
        "What the film, its genres and its years add by themselves, whoever asks.",
        r"w_j = \mathrm{table}_j[\text{the film's value}]",
    ),
    "film": Words(
        "The film's vector", "q", (DIMENSION,),
        "This film as a row of numbers.",
    ),
    "watched": Words(
        "Vectors of the films watched", "x_i", ("film", DIMENSION),
        "Each film of yours as a row of numbers, with what you thought of it.",
        r"x_i = \mathrm{film}_i + \mathrm{reaction}_i",
    ),
    "watched_films": Words(
        "Vectors of the films watched", "x_i", ("film", DIMENSION),
        "Each film of yours as a row of numbers.",
        r"x_i = \mathrm{table}[\text{film } i]",
    ),
    "film_bias": Words(
        "The film's own number", "b_q", (),
        "What the film has whoever asks: how much it is picked in general.",
        r"b_q = \mathrm{table}[q]",
    ),
    "fitted_visitor": Words(
        "The visitor's vector", "u", (DIMENSION,),
        "You as one row of numbers: of all such rows the one that explains your films best, not far from people like you.",
        r"u = \arg\min_u \mathrm{loss}(u) + \tfrac{s}{2} |z(u)|^2",
    ),
    "visitor_bias": Words("The visitor's own number", "b_u", (), "Whether you tend to rate high or low, whatever the film."),
    "visitor_tower": Words(
        "The visitor's tower", r"\hat u", (DIMENSION,), "A network turns you into another row of numbers, to be compared with films.",
    ),
    "film_tower": Words(
        "The film's tower", r"\hat q", (DIMENSION,), "Another network does the same for the film, without knowing who asks.",
    ),
    "shares": Words("Share of each film", "c_i", ("film",), "The longer ago a film was watched, the less it counts."),
    "reactions": Words("Weight of what you thought of it", "r_i", ("film",), "Learned: one number each for liked, disliked and just watched."),
    # Factorisation machines
    "visitor": Words(
        "The visitor's vector", "u", (DIMENSION,),
        "You as one row of numbers.",
    ),
    "visitor_pairs": Words(
        "Pairs within the visitor", "p_u", (DIMENSION,),
        "How the things known about you go with each other, every pair of them added up.",
    ),
    "film_pairs": Words(
        "Pairs within the film", "p_q", (DIMENSION,),
        "How the film, its genres and its years go with each other.",
        r"p_q = \sum_{j<k} v_j \odot v_k",
    ),
    "visitor_alone": Words(
        "What the visitor adds alone", "a_u", (),
        "The same for every film: it moves all your scores alike, not their order.",
    ),
    "film_alone": Words(
        "What the film adds alone", "a_q", (),
        "The same for every visitor.",
    ),
    "weighted": Words("Weighted dimension by dimension", r"\lambda v", None, "Some dimensions count for more than others."),
    "field_pairs": Words(
        "Each field of yours with each of the film's", "P_{ij}", ("field", "film field"),
        "How well each thing known about you goes with each of the film's: the dot product of their vectors. All of these added up are u · q.",
    ),
    "linear": Words("What fields add alone", r"\ell", (), "The weights of all fields, yours and the film's, added up."),
    "crosses": Words(
        "Crossed fields", "c", ("pair",),
        "What the wide part remembers of two values together: a weight for each pair.",
        r"c_{ij} = \mathrm{table}[\mathrm{hash}(i, j)]",
    ),
    "visitor_rows": Words("Weight and vector of each of your fields", "x_u", ("field", "number"), "What the factorisation machine had learned, side by side."),
    "film_rows": Words("Weight and vector of each of the film's fields", "x_q", ("film field", "number"), "The same for the film."),
    "pairs": Words(
        "All pairs of fields", "p", (DIMENSION,),
        "Every two fields multiplied number by number, and all of that added up, twice.",
        r"p = (\textstyle\sum v)^2 - \sum v^2 = 2 \sum_{i<j} v_i \odot v_j",
    ),
    "pair_products": Words(
        "Pairs of fields", r"v_i \odot v_j", ("pair", DIMENSION),
        "Every two fields multiplied number by number: one row for each pair.",
    ),
    "pair_scores": Words(
        "Score of each pair", "s_{ij}", ("pair",),
        "A small network says how much each pair matters; zero is written where one of the two fields holds nothing.",
    ),
    "pair_values": Words("Value of each pair", "c_{ij}", ("pair",), "What each pair has to say for this film, as one number.",
                         r"c_{ij} = p^\top (v_i \odot v_j)"),
    "attention": Words("Attention per pair", "a_{ij}", ("pair",), "The scores as shares of one: how much each pair is listened to."),
    "pair_terms": Words("What each pair adds", "t_{ij}", ("pair",), "Attention times value."),
    "x0": Words("All fields side by side", "x_0", ("number",), "You and the film in one row of numbers."),
    "cross_layer": Words(
        "Cross layer", "x'", ("number",),
        "The row multiplied by what it was at first, and added to itself: pairs of fields, then triples.",
    ),
    "cross": Words("The cross layers' sum", "z_{cross}", (), "All numbers of the last cross layer, weighted and added up."),
    "visitor_windows": Words("Three fields at a time, of the visitor", "c_u", ("filter", "window"), "Each filter reads three neighbouring fields at once."),
    "film_windows": Words("Three fields at a time, with the film", "c_q", ("filter", "window"), "The same filters where the film's fields are among the three."),
    "visitor_maps": Words("What is left above zero, of the visitor", "c_u^+", None, "What is below zero becomes zero."),
    "film_maps": Words("What is left above zero, with the film", "c_q^+", None, "What is below zero becomes zero."),
    "visitor_gates": Words("Gates that read the visitor", "g_u", ("number",), "How much of each number the first network reads, from 0 to 2: it depends on you."),
    "film_gates": Words("Gates that read the film", "g_q", ("number",), "How much of each number the second network reads: it depends on the film."),
    "gate": Words("Gates", "g", ("number",), "Bent into the range 0 to 2; 1 changes nothing."),
    "visitor_stream": Words("The first network", "o_1", (DIMENSION,), "A network over all fields, through the gates that read you."),
    "film_stream": Words("The second network", "o_2", (DIMENSION,), "Another network over all fields, through the gates that read the film."),
    "fusion": Words("Both networks and their product", "t", ("term",), "What each network adds alone, and what they add together, piece by piece."),
    "machine": Words(
        "The factorisation machine", "z_{FM}", (),
        "What fields add alone, and every pair of them together.",
    ),
    # Attention over the history
    "attention_hidden": Words(
        "The activation unit's hidden layer", "h_i", ("film", UNIT),
        "A small network compares each film of yours with this film: both, their difference and their product.",
    ),
    "film_keys": Words("What each film asks the candidate for", "k_i", ("film", DIMENSION), "Each film turned by a matrix, to be held against this film."),
    "recency_scores": Words("Score of each place", "s_i", ("film",), "Learned: one number for the latest film, one for the one before it, and so on."),
    "asker": Words("The visitor, to hold films against", "u", (DIMENSION,), "Gender, age and occupation as one row of numbers."),
    "encoded": Words("The sequence as read", "x", (DIMENSION,), "All films and this one through the encoder; what happens inside is not shown for this way of reading."),
    "weighted_visitor": Words("The visitor's vector, weighed", r"\lambda u", (DIMENSION,), "Some dimensions count for more than others."),
    "products": Words("Film by film, number by number", r"x_i \odot q", ("film", DIMENSION), "Each film of yours times what it is held against."),
    "scores": Words(
        "Score of each film", "s_i", ("film",),
        "One number for each film of yours: how much it has to say about this film.",
    ),
    "weights": Words(
        "Attention weights", "a_i", ("film",),
        "How much each film of yours is listened to for this film.",
    ),
    "interest": Words(
        "The interest", "h", (DIMENSION,),
        "Your films added up, each times its weight: the part of your taste that this film appeals to.",
    ),
    "visitor_film": Words(
        "Visitor times film", "c", (DIMENSION,),
        "Number by number: large where you and the film point the same way.",
    ),
    "both": Words(
        "Interest times film", "c", (DIMENSION,),
        "Number by number: large where your interest and the film point the same way.",
    ),
    "head_input": Words(
        "All that the network reads", "x", ("number",),
        "Side by side in one row.",
    ),
    "head": Words(
        "The network", "m", (),
        "A small network turns the row into one number.",
    ),
    # The history as a sequence
    "positions": Words("Vectors of the places", "e_i", ("film", DIMENSION), "Where each film stands in your history, counted back from the latest."),
    "sequence": Words("Films with their places", r"\tilde x_i", ("film", DIMENSION), "What a film is, and when you watched it, in one row of numbers."),
    "candidate": Words("The film with its place", r"\tilde q", (DIMENSION,), "This film, put after all that you watched."),
    "states": Words("The state after each film", "h_i", ("film", DIMENSION), "Read in order: each film changes what is remembered, and nothing is looked at again."),
    "state": Words("The state after the last film", "h", (DIMENSION,), "What is left of your history at its end."),
    "candidate_state": Words("The state after this film", "h'", (DIMENSION,), "This film is read as if it came next."),
    "moves": Words("How far each film moves the interest", r"\bar u_i", ("film",), "The update gate times the attention: films that are not listened to leave the interest where it is."),
    "evolution": Words("The interest after each film", "h'_i", ("film", DIMENSION), "The interest moving, film by film, towards what matters for this film."),
    "normed": Words("Brought to one size", r"\bar x", ("film", DIMENSION), "Each row with mean zero and spread one, then stretched as learned."),
    "queries": Words("Queries", "Q", ("head", "looking film", DIMENSION), "What each film looks for."),
    "keys": Words("Keys", "K", ("head", "film", DIMENSION), "What each film offers to those that look."),
    "values": Words("Values", "V", ("head", "film", DIMENSION), "What each film hands over to those that look at it."),
    "look": Words("Where each film looks", "A", ("head", "looking film", "film"), "Head by head: a row is a film that looks, a column a film looked at."),
    "mixed": Words("What each film takes from the others", "m", ("film", DIMENSION), "The values, each by how much it is looked at, all heads together."),
    "encoder_layer": Words("Layer of attention", "x", ("film", DIMENSION), "Each film once more, now with what it took from the others."),
    "query": Words("What this film looks for", "Q", ("head", DIMENSION), "One row of numbers for each head."),
    "place_keys": Words("Keys", "K", ("head", "place", DIMENSION), "What each film of yours, and this film itself, offers."),
    "place_values": Words("Values", "V", ("head", "place", DIMENSION), "What each of them hands over."),
    "place_look": Words("Where this film looks", "A", ("head", "place"), "Head by head: how much it takes from each film of yours, and from itself."),
    "candidate_mixed": Words("What this film takes from the others", "m", (DIMENSION,), "The values, each by how much it is looked at, all heads together."),
    "read": Words("This film, having looked at yours", "r", (DIMENSION,), "What it was, with what it took, through a small network."),
    # Words of a title
    "genres": Words("The film's genres", "g", ("genre",), "1 where the film has the genre."),
    "genre_vector": Words("Vector of the genres", "v_g", (DIMENSION,), "The vectors of the film's genres added up."),
    "words": Words("Words of the title", "w_i", ("word", DIMENSION), "Each word of the title as a row of numbers, learned from much text; nothing where the title has ended."),
    "windows": Words("Filters over {} words of the title at once", "f", ("window", "filter"), "Each filter slides along the title, several words at once, and answers strongly where it finds what it has learned."),
    "strongest": Words("The strongest answer of each filter over {} words", r"\hat f", ("filter",), "Where in the title it was found does not matter; the step before shows which words fired."),
    "title_features": Words("What all filters found", "f", ("number",), "Side by side: filters over two, three and four words."),
    "title": Words("The title", "t", (DIMENSION,), "A small network turns what the filters found into a row of numbers."),
    "film_input": Words("Genres and title", "x_q", ("number",), "Side by side in one row."),
    "opinions": Words("What you thought of each film", "c", ("opinion", "film"), "Each film's share of your history, in the row of what you thought of it."),
    "opinion_shares": Words("Share of each opinion", r"\bar c", ("opinion",), "How much of your history you liked, disliked, or only watched."),
    "opinion_vectors": Words("Films by opinion", r"\bar x", ("opinion", DIMENSION), "The films you liked added up, those you disliked, and the others."),
    "visitor_input": Words("All that is known about the visitor", "x_u", ("number",), "Profile and history side by side in one row."),
    # Sums over the films watched
    "counts": Words(
        "How much each film counts", "c_i", ("film",),
        "Films liked count most, and the latest most.",
        r"c_i = \mathrm{reaction}_i \cdot (1 + \mathrm{age}_i)^{-\mathrm{fade}}",
    ),
    "links": Words(
        "Weight from each film of yours to this film", "B_{iq}", ("film",),
        "What each film says for this one, solved from everybody's ratings in one go; zero where it says nothing.",
        r"B_{iq} = \mathrm{table}[i, q]",
    ),
    "terms": Words(
        "What each film adds", "t_i", ("film",),
        "One number for each film of yours. Nothing else speaks for this film.",
    ),
    # Layers of networks
    "visitor_half": Words("Layer 1, what it reads of the visitor", "h_u", (UNIT,), "Half of the first layer: made once for all films."),
    "film_half": Words("Layer 1, what it reads of the film", "h_q", (UNIT,), "The other half of the first layer."),
    "deep": Words("The network", "m", (), "A network reads all of it side by side, and gives one number."),
    "layer": Words("Layer", "h", (UNIT,), "Every unit weighs all numbers before it, and adds them up."),
    "leaky_relu": Words("LeakyReLU", "h^+", None, "What is below zero is made small."),
    "tanh": Words("tanh", "h^t", None, "Bent into the range −1 to 1."),
    "batch_norm": Words("Batch norm", "h^n", None, "Each unit measured from its own mean, by its own spread."),
    "relu": Words("ReLU", "h^+", None, "What is below zero becomes zero."),
    "dice": Words("Dice", r"\tilde h", None, "Each unit lets large values through and turns small ones down, softly."),
    # The answer
    "logit": Words("Logit", "z", (), "The number that this film is ranked by."),
    "next": Words(
        "Chance of being next", "p", (),
        "The film's share among all films that you have not watched.",
        r"p = \frac{e^{z}}{\sum_{q'} e^{z_{q'}}}",
    ),
    "like": Words("Chance of liking", "p", (), "The logit bent into a number from 0 to 1.", r"p = \sigma(z) = \frac{1}{1 + e^{-z}}"),
    "rating": Words("Stars", "s", (), "Cut to the stars that can be given: one to five.", r"s = \min(5, \max(1, z))"),
}  # fmt: skip


def words_of(path: str, several: bool = False) -> Words:
    """Those of a step, by its id; of one without words, its id in words. The first of several has a number too."""
    own, number = _numbered(path.rsplit(".", 1)[-1])
    number = number or ("1" if several else "")
    found = WORDS.get(own)
    if found is None:
        name = own.replace("_", " ").capitalize()
        found = Words(name, rf"\mathrm{{{own.replace('_', chr(92) + '_')}}}")
    if not number:
        return found
    name = found.name.format(number) if "{}" in found.name else f"{found.name} {number}"
    return Words(name, f"{{{found.symbol}}}^{{({number})}}", found.axes, found.says, found.formula)


def _numbered(own: str) -> tuple[str, str]:
    head, _, tail = own.rpartition("_")
    return (head, tail) if head and tail.isdecimal() else (own, "")
