// What items, labels and shares are called on the page.

export function named(item) {
  return item.number ? `Item ${item.number.toLocaleString("en")}` : "Item";
}

export function words(label) {
  return Array.isArray(label) ? label.join(", ") || "none of them" : label;
}

export function percent(share) {
  if (share > 0 && share < 0.005) {
    return "under 1 %";
  }
  return share >= 0.995 && share < 1 ? "over 99 %" : `${Math.round(100 * share)} %`;
}

/** What the model says of an item, as a sentence; empty where it says nothing. */
export function suggested(item) {
  const said = item.suggestion;
  return said ? `The model says ${words(said.label)}, ${percent(said.confidence)}.` : "";
}
