"""The 20 newsgroups, split by date."""

import io
import tarfile

import numpy as np

from nextlabel.core.dataset import Dataset
from nextlabel.core.spec import Spec
from nextlabel.core.task import classes
from nextlabel.datasets.places import read
from nextlabel.datasets.published import NEWSGROUPS
from nextlabel.readers.arrays import ArrayPool

__all__ = ["newsgroups"]

_PARTS = ("20news-bydate-train", "20news-bydate-test")


def newsgroups() -> Dataset:
    """18,846 posts to newsgroups, in 20 groups, split by date.

    Returns
    -------
    Dataset
        Items are texts, whole posts with their headers; the last 7,532 are the official test part; ids such
        as ``"train/alt.atheism/49960"``.

    Raises
    ------
    DatasetMissing
        The file is not on this machine.
    DigestError
        The file is another one.

    Notes
    -----
    Headers, signatures and quoted lines are left in, and make the task easier than the posts alone. The
    header that names the newsgroups is not in this version.

    References
    ----------
    Lang. NewsWeeder: learning to filter netnews. ICML 1995.
    """
    posts = sorted(_posts())
    texts = np.empty(len(posts), dtype=object)
    texts[:] = [text for _, _, _, text in posts]
    texts.flags.writeable = False
    task = classes(sorted({group for _, group, _, _ in posts}))
    train = sum(part == 0 for part, _, _, _ in posts)
    ids = [f"{('train', 'test')[part]}/{group}/{number}" for part, group, number, _ in posts]
    return Dataset(
        name="20newsgroups",
        description=NEWSGROUPS.description,
        pool=ArrayPool(texts, ids, source=Spec("20newsgroups")),
        labels=task.encode(group for _, group, _, _ in posts),
        task=task,
        test=np.arange(train, len(posts)),
    )


def _posts() -> list[tuple[int, str, str, str]]:
    """Part, group, number and text of each post."""
    posts = []
    packed = read(NEWSGROUPS, "20news-bydate.tar.xz")
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:xz") as members:
        for member in members:
            content = members.extractfile(member) if member.isfile() else None
            if content is not None:
                part, group, number = member.name.split("/")
                posts.append((_PARTS.index(part), group, number, content.read().decode("latin-1")))
    return posts
