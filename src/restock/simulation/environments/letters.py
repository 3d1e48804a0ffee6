"""Letters for charts, drawn without a font library: five rows of three dots each."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool

__all__ = ["drawn", "size_of"]

SCALE = 2
ROWS = 5

#: Each letter's rows from the top, a digit a row: 4, 2, 1 are the dots from the left.
LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "A": "25755", "B": "65656", "C": "34443", "D": "65556", "E": "74647", "F": "74644",
        "G": "34553", "H": "55755", "I": "72227", "J": "11152", "K": "55655", "L": "44447",
        "M": "57755", "N": "65555", "O": "25552", "P": "65644", "Q": "25563", "R": "65655",
        "S": "34216", "T": "72222", "U": "55557", "V": "55552", "W": "55775", "X": "55255",
        "Y": "55222", "Z": "71247", "0": "75557", "1": "26227", "2": "71747", "3": "71717",
        "4": "55711", "5": "74717", "6": "74757", "7": "71122", "8": "75757", "9": "75717",
        ",": "00024", "-": "00700", ".": "00002",
    }
)  # fmt: skip


def size_of(text: str) -> tuple[int, int]:
    """Return height and width of a text in dots.

    >>> size_of("AB")
    (10, 16)
    """
    return ROWS * SCALE, 4 * SCALE * len(text)


def drawn(text: str) -> Bool[np.ndarray, "height width"]:
    """Return where a text is ink; letters that are not known stay blank.

    >>> drawn("T")[::2, ::2].astype(int).tolist()
    [[1, 1, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]]
    """
    ink = np.zeros((ROWS, 4 * len(text)), dtype=np.bool_)
    for place, letter in enumerate(text.upper()):
        for row, dots in enumerate(LETTERS.get(letter, "00000")):
            for column in range(3):
                ink[row, 4 * place + column] = bool(int(dots) & (4 >> column))
    return ink.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
