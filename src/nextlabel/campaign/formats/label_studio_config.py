"""Label Studio's labelling interface for a campaign: what is shown, and the choices."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree  # builds and writes; nothing is parsed here

from nextlabel.campaign.replacing import replacing
from nextlabel.core.pool import Pool
from nextlabel.core.task import Task
from nextlabel.errors import CampaignError

__all__ = ["FROM", "SHOWN", "config", "object_tag", "write"]

FROM = "label"
"""The name of the control tag: where choices come from."""

SHOWN: Mapping[str, str] = MappingProxyType(
    {"text": "nextlabel_text", "row": "nextlabel_row", "image": "nextlabel_image"}
)
"""Under which key of a task's data the item is, by the name of the object tag."""

_TAGS = {"text": "Text", "row": "Table", "image": "Image"}
_UNFIT = re.compile(
    "[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)  # what XML 1.0 has no place for


def object_tag(pool: Pool | None) -> str:
    """What an item is shown as: ``text``, ``row`` or ``image``.

    Parameters
    ----------
    pool : Pool or None
        Without it, the id is shown as a text.
    """
    return "text" if pool is None else pool.show(pool.ids[0]).medium


def config(task: Task, tag: str) -> str:
    """The interface as XML.

    Parameters
    ----------
    task : Task
    tag : str
        As `object_tag` says.

    Raises
    ------
    CampaignError
        A class whose name XML cannot hold.

    Examples
    --------
    >>> from nextlabel import classes
    >>> print(config(classes("a & b", "c"), "text"))
    <View>
      <Text name="text" value="$nextlabel_text" />
      <Choices name="label" toName="text" choice="single" showInLine="true">
        <Choice value="a &amp; b" />
        <Choice value="c" />
      </Choices>
    </View>
    """
    unfit = [name for name in task.classes if _UNFIT.search(name)]
    if unfit:
        message = (
            f"Label Studio's interface is XML, which holds no control characters; the class {unfit[0]!r} has "
            "one. Rename it first: campaign.revise(...)."
        )
        raise CampaignError(message)
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, _TAGS[tag], {"name": tag, "value": f"${SHOWN[tag]}"})
    choice = "multiple" if task.is_several else "single"
    settings = {"name": FROM, "toName": tag, "choice": choice, "showInLine": "true"}
    choices = ElementTree.SubElement(view, "Choices", settings)
    for name in task.classes:
        ElementTree.SubElement(choices, "Choice", {"value": name})
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def write(path: Path, task: Task, pool: Pool | None, *, replace: bool = False) -> None:
    """Write the interface to a file, to be pasted into a project's settings.

    Parameters
    ----------
    path : Path
    task : Task
    pool : Pool or None
    replace : bool
        Write over a file that is there.

    Raises
    ------
    CampaignError
        The file is there already or cannot be written, or XML cannot hold the name of a class.
    """
    text = config(task, object_tag(pool))
    with replacing(path, replace=replace) as file:
        file.write(f"{text}\n")
