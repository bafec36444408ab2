r"""LaTeX formulas as MathML, which browsers draw by themselves and screen readers read.

A subset: letters, numbers, sub- and superscripts, ``\frac``, ``\sqrt``, accents, upright and bold words, Greek letters,
operators, matching brackets. What is not in it is shown as it is written, and `unknown` names it.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[0-9]+(?:\.[0-9]+)?|[{}_^]|\S|\s+")
_WORDS = ("mathrm", "text", "operatorname", "mathit", "textrm", "textbf", "mathsf")
_BOLD = ("mathbf", "boldsymbol", "bm", "mathbb")
_ACCENTS = {"hat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "vec": "→", "dot": "˙"}
_FUNCTIONS = ("log", "ln", "exp", "tanh", "cos", "sin", "arg")
_LIMITS = {"sum": "∑", "prod": "∏", "max": "max", "min": "min", "argmax": "argmax"}
_OPERATORS = {
    **{"cdot": "·", "times": "×", "odot": "⊙", "otimes": "⊗", "oplus": "⊕", "circ": "∘"},
    **{"ast": "∗", "pm": "±", "in": "∈", "notin": "∉", "to": "→", "rightarrow": "→", "mapsto": "↦"},
    **{"le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈"},
    **{"propto": "∝", "mid": "|", "lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "vert": "|"},
    **{"ldots": "…", "dots": "…", "cdots": "⋯", "star": "⋆", "langle": "⟨", "rangle": "⟩"},
    **{"lfloor": "⌊", "rfloor": "⌋", "cup": "∪", "cap": "∩", "setminus": "∖", "backslash": "∖"},
    **{"lbrack": "[", "rbrack": "]", "lbrace": "{", "rbrace": "}", "{": "{", "}": "}", "%": "%"},
}
_LETTERS = {"infty": "∞", "ell": "ℓ", "top": "⊤", "intercal": "⊤", "emptyset": "∅", "partial": "∂"}
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Xi Pi Sigma Phi Psi Omega"
)
_LETTERS |= {
    name: unicodedata.lookup(
        f"GREEK {'SMALL' if name.islower() else 'CAPITAL'} LETTER {name.upper()}"
    )
    for name in _GREEK.split()
} | {"lambda": "λ", "Lambda": "Λ", "varphi": "φ", "varepsilon": "ε"}
_SPACES = {",": 0.17, ":": 0.22, ";": 0.28, " ": 0.25, "quad": 1.0, "qquad": 2.0, "!": 0.0}
_SIZES = "left right big Big bigl bigr Bigl Bigr displaystyle textstyle limits"


def mathml(formula: str, *, block: bool = False) -> str:
    """A formula as an element ``math``, which holds the LaTeX as its text alternative.

    Args:
        formula: LaTeX.
        block: with limits above and below their signs, as on a line of its own.
    """
    display = "block" if block else "inline"
    body = _Reader(formula).row()
    return f'<math display="{display}" aria-label="{escape(formula)}">{body}</math>'


def unknown(formula: str) -> list[str]:
    """What of a formula cannot be drawn, as written."""
    reader = _Reader(formula)
    reader.row()
    return reader.strange


class _Reader:
    """Reads a formula from left to right, once."""

    def __init__(self, formula: str) -> None:
        self.tokens = _TOKEN.findall(formula.strip())
        self.strange: list[str] = []
        self.beside = False  # limits stand beside their sign, as within a line of text

    def row(self, end: str = "") -> str:
        """All up to a closing token."""
        parts = []
        while self.tokens:
            if self.tokens[0] == end:
                self.tokens.pop(0)
                break
            parts.append(self._scripted())
        return f"<mrow>{''.join(parts)}</mrow>"

    def _scripted(self) -> str:
        """One atom with what stands below and above it."""
        sign = self.tokens[0].lstrip("\\") in _LIMITS
        atom = self._atom()
        scripts: dict[str, str] = {}
        while self.tokens and self.tokens[0] in ("_", "^", "'"):
            kind = self.tokens.pop(0)
            if kind == "'":
                atom = f'<mrow>{atom}<mo lspace="0" rspace="0">′</mo></mrow>'
            else:  # of two in a row, the one goes on where the other ends: that of a symbol, and of its place
                scripts[kind] = f"<mrow>{scripts.get(kind, '')}{self._argument()}</mrow>"
        low, high = scripts.get("_"), scripts.get("^")
        name = ("under", "over") if sign and not self.beside else ("sub", "sup")
        if low and high:
            return f"<m{name[0]}{name[1]}>{atom}{low}{high}</m{name[0]}{name[1]}>"
        if low or high:
            tag = f"m{name[0 if low else 1]}"
            return f"<{tag}>{atom}{low or high}</{tag}>"
        return atom

    def _argument(self) -> str:
        while self.tokens and self.tokens[0].isspace():
            self.tokens.pop(0)
        return self._atom() if self.tokens else "<mrow></mrow>"

    def _atom(self) -> str:
        token = self.tokens.pop(0)
        if token == "{":
            return self.row("}")
        if token.isspace():
            return ""
        if token.startswith("\\") and len(token) > 1:
            return self._command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        return f"<mi>{token}</mi>" if token.isalpha() else f"<mo>{escape(token)}</mo>"

    def _command(self, name: str) -> str:
        if name in _WORDS:
            return f'<mtext class="word">{escape(self._text())}</mtext>'
        if name in _BOLD:
            return f'<mi mathvariant="normal" class="bold">{escape(self._text())}</mi>'
        if name in ("frac", "tfrac", "dfrac"):
            return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self._argument()}</msqrt>"
        if name in _ACCENTS:
            return f'<mover accent="true">{self._argument()}<mo stretchy="false">{_ACCENTS[name]}</mo></mover>'
        if name in _LIMITS:
            return f"<mo>{_LIMITS[name]}</mo>"
        if name in _FUNCTIONS:
            return f'<mi mathvariant="normal">{name}</mi><mspace width="0.1em"/>'
        if name in _OPERATORS:
            return f"<mo>{escape(_OPERATORS[name])}</mo>"
        if name in _LETTERS:
            return f"<mi>{_LETTERS[name]}</mi>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}em"/>'
        if name == "textstyle":
            self.beside = True
            return ""
        if name in _SIZES.split():
            return ""
        self.strange.append(f"\\{name}")
        return f"<mtext>{escape(name)}</mtext>"

    def _text(self) -> str:
        """The words within braces; a single token without them."""
        if not self.tokens or self.tokens[0] != "{":
            return self.tokens.pop(0) if self.tokens else ""
        self.tokens.pop(0)
        depth, words = 1, []
        while self.tokens:
            token = self.tokens.pop(0)
            depth += {"{": 1, "}": -1}.get(token, 0)
            if not depth:
                break
            words.append("" if token in "{}" else token.removeprefix("\\"))
        return "".join(words)
