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
