// Which command a key press means. A class's letter comes first; with Shift a letter is always a command.

const COMMANDS = { u: "undo", s: "skip", w: "why", f: "flag", n: "note", g: "guidelines", c: "sofar" };

/** The letter of a press, small; on a keyboard of another script the letter printed beside it. */
export function letterOf(event) {
  const isForeign = event.key.length === 1 && event.key > "\u007f" && /^Key[A-Z]$/.test(event.code);
  return (isForeign ? event.code.slice(3) : event.key).toLowerCase();
}

export function commandOf(event) {
  if (event.key === "?") {
    return "help";
  }
  if (event.key === "Backspace") {
    return "undo";
  }
  return COMMANDS[letterOf(event)] ?? null;
}

/**
 * Whether a press is a key's that is held down and must do nothing more: it is one decision, however long.
 * In the box a held key writes, takes letters away, and goes up and down.
 */
export function isHeld(event, box) {
  if (!event.repeat || document.querySelector("dialog[open]")) {
    return false;
  }
  if (event.target !== box || box === null) {
    if (event.target.closest?.("input, textarea, select")) {
      return false;
    }
    if (event.target.closest?.("button, a, summary") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault(); // the browser would press the button again and again
    }
    return true;
  }
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    return false;
  }
  const writes = event.key.length === 1 || event.key === "Backspace";
  if (event.key === "Enter" || (writes && box.value === "" && (event.shiftKey || event.ctrlKey || event.metaKey))) {
    event.preventDefault();
  }
  return true;
}

/** Whether a press is the field's or the button's own affair. */
export function isElsewhere(event, box) {
  const target = event.target;
  if (document.querySelector("dialog[open]") || event.isComposing || event.altKey) {
    return true;
  }
  if (target !== box && target.closest?.("input, textarea, select")) {
    return true;
  }
  const presses = event.key === "Enter" || event.key === " ";
  return presses && target.closest?.("button, a, summary") !== null;
}
