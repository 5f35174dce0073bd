// An item as a person sees it. What comes from data becomes text, never markup.

const LONG = 900; // characters beyond which a text is set smaller
const SMALL = 160; // pixels below which an image is shown enlarged, its pixels visible

const VIEWS = { text, row, image };

/** The element that shows a view; another medium is a function here and a file on the server. */
export function show(view) {
  return (VIEWS[view.medium] ?? unknown)(view);
}

/** What a screen reader is told of a view, in a line. */
export function spoken(view) {
  if (view.medium === "text") {
    return view.text.slice(0, 300);
  }
  if (view.medium === "row") {
    return view.fields.map(([name, value]) => `${name}: ${value || "nothing"}`).join("; ").slice(0, 300);
  }
  return view.alt ?? "";
}

export function element(name, content, ...classes) {
  const made = document.createElement(name);
  if (content !== undefined) {
    made.textContent = content;
  }
  made.classList.add(...classes);
  return made;
}

function text(view) {
  const all = document.createElement("div");
  const words = element("p", view.text, "text");
  words.dir = "auto";
  words.classList.toggle("long", view.text.length > LONG);
  all.append(words);
  if (view.left_out) {
    all.append(element("p", `${view.left_out.toLocaleString("en")} more characters are not shown.`, "small"));
  }
  return all;
}

function row(view) {
  const table = element("table", undefined, "row");
  const body = table.createTBody();
  for (const [name, value] of view.fields) {
    const line = body.insertRow();
    const head = element("th", name);
    head.scope = "row";
    head.dir = "auto";
    const cell = line.insertCell();
    cell.textContent = value;
    cell.dir = "auto";
    line.prepend(head);
  }
  return table;
}

function image(view) {
  const figure = document.createElement("figure");
  const picture = document.createElement("img");
  picture.alt = view.alt;
  picture.decoding = "async";
  picture.addEventListener("load", () => {
    picture.classList.toggle("tiny", Math.max(picture.naturalWidth, picture.naturalHeight) <= SMALL);
  });
  picture.addEventListener("error", () => {
    picture.classList.add("broken");
    figure.append(element("figcaption", "This image cannot be shown. Skip it, or look at its file.", "trouble"));
  });
  picture.src = view.url;
  figure.append(picture);
  return figure;
}

function unknown(view) {
  return element("p", `This page cannot show a ${view.medium}.`, "trouble");
}
