"""The tables of the UCI repository as data sets, a registered function each."""

import csv
import gzip
from collections.abc import Callable, Sequence
from io import StringIO

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.datasets.places import read
from nextlabel.datasets.uci import ALL, TABLES, Table
from nextlabel.maths.axes import Array, Positions
from nextlabel.readers.arrays import ArrayPool

# fmt: off
__all__ = [
    "balance_scale", "breast_cancer", "breast_w", "car", "credit_a", "credit_g", "ecoli", "glass",
    "haberman", "heart_c", "heart_h", "heart_statlog", "hepatitis", "ionosphere", "iris", "kr_vs_kp",
    "krkopt", "letter", "load", "mofn_3_7_10", "mushroom", "nursery", "optdigits", "page_blocks",
    "pima_diabetes", "poker_hand_25010", "segment", "solar_flare1", "solar_flare2", "sonar", "soybean",
    "spambase", "splice", "tic_tac_toe", "vehicle", "vote", "vowel", "waveform5000",
]
# fmt: on

_MISSING = "?"


def _reader(name: str) -> Callable[[], Dataset]:
    """The registered function of one table."""
    table = next(one for one in TABLES if one.name == name)

    def read_table() -> Dataset:
        return load(table)

    read_table.__name__ = read_table.__qualname__ = name
    read_table.__doc__ = _documented(table)
    return read_table


def load(table: Table) -> Dataset:
    """A table as a data set.

    Parameters
    ----------
    table : Table
        What its file holds.

    Raises
    ------
    DatasetMissing
        The file is not on this machine.
    DigestError
        The file is another one.

    Notes
    -----
    A row with a number of cells other than the header's is left out: ``poker_hand_25010`` has two that are
    damaged.
    """
    listing = table.listing
    text = gzip.decompress(read(listing, listing.files[0].name)).decode("utf-8")
    head, *rows = csv.reader(StringIO(text, newline=""))
    whole = [row for row in rows if len(row) == len(head)]
    cells = dict(zip(head, zip(*whole, strict=True), strict=True))
    names = [column for column in head if column not in (table.target, table.aside)]
    task = classes(sorted(set(cells[table.target])))
    return Dataset(
        name=table.name,
        description=listing.description,
        pool=ArrayPool(
            _items(table, [cells[column] for column in names], names),
            [f"{table.name}-{position:05d}" for position in range(len(whole))],
            columns={table.aside: cells[table.aside]} if table.aside else {},
            source=Spec(table.name),
            names=tuple(names),
        ),
        labels=task.encode(cells[table.target]),
        task=task,
        test=_test(table, cells.get(table.aside, ())),
    )


def _items(table: Table, columns: Sequence[Sequence[str]], names: Sequence[str]) -> Array:
    """Rows of float64, or of texts and numbers where a column holds names; a missing cell is nan or None."""
    read_columns: list[Sequence[float | str | None]] = [
        [None if cell == _MISSING else cell for cell in column]
        if table.nominal == ALL or name in table.nominal
        else [float("nan") if cell == _MISSING else float(cell) for cell in column]
        for name, column in zip(names, columns, strict=True)
    ]
    items = np.empty((len(columns[0]), len(names)), dtype=object if table.nominal else np.float64)
    for position, column in enumerate(read_columns):
        items[:, position] = column
    items.flags.writeable = False
    return items


def _test(table: Table, aside: Sequence[str]) -> Positions | None:
    if table.last:
        return np.arange(table.items - table.last, table.items)
    test = np.flatnonzero(np.array(aside) == "Test")
    return test if len(test) else None


def _documented(table: Table) -> str:
    listing = table.listing
    kinds = "texts and numbers (objects)" if table.nominal else "numbers (float64)"
    kept = (
        f" The column {table.aside!r} is no feature; it is kept in the pool's columns." if table.aside else ""
    )
    part = " The official test part is marked." if table.last or table.name == "vowel" else ""
    return f"""{listing.description}.

    Returns
    -------
    Dataset
        Rows of {kinds}, as they are in the file; a missing cell is None in a column of names, else nan.

    Raises
    ------
    DatasetMissing
        The file is not on this machine.
    DigestError
        The file is another one.

    Notes
    -----
    Ids are ``"{table.name}-00000"`` and on, in the order of the file.{kept}{part}

    References
    ----------
    {listing.citation}
    """


balance_scale = _reader("balance_scale")
breast_cancer = _reader("breast_cancer")
breast_w = _reader("breast_w")
car = _reader("car")
credit_a = _reader("credit_a")
credit_g = _reader("credit_g")
ecoli = _reader("ecoli")
glass = _reader("glass")
haberman = _reader("haberman")
heart_c = _reader("heart_c")
heart_h = _reader("heart_h")
heart_statlog = _reader("heart_statlog")
hepatitis = _reader("hepatitis")
ionosphere = _reader("ionosphere")
iris = _reader("iris")
kr_vs_kp = _reader("kr_vs_kp")
krkopt = _reader("krkopt")
letter = _reader("letter")
mofn_3_7_10 = _reader("mofn_3_7_10")
mushroom = _reader("mushroom")
nursery = _reader("nursery")
optdigits = _reader("optdigits")
page_blocks = _reader("page_blocks")
pima_diabetes = _reader("pima_diabetes")
poker_hand_25010 = _reader("poker_hand_25010")
segment = _reader("segment")
solar_flare1 = _reader("solar_flare1")
solar_flare2 = _reader("solar_flare2")
sonar = _reader("sonar")
soybean = _reader("soybean")
spambase = _reader("spambase")
splice = _reader("splice")
tic_tac_toe = _reader("tic_tac_toe")
vehicle = _reader("vehicle")
vote = _reader("vote")
vowel = _reader("vowel")
waveform5000 = _reader("waveform5000")
