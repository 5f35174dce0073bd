// Downloads: fetched first, so that a file that cannot be made is a sentence here and not a broken download.

import { headers } from "./api.js";

const trouble = document.getElementById("trouble");
const announce = document.getElementById("spoken");

for (const link of document.querySelectorAll("a.download")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    if (link.ariaBusy === "true") {
      return;
    }
    const words = link.textContent;
    trouble.textContent = "";
    link.ariaBusy = "true";
    link.textContent = "Preparing …";
    try {
      await download(link);
      announce.textContent = "Downloaded.";
    } catch (cause) {
      trouble.textContent = cause.message;
    } finally {
      link.textContent = words;
      link.ariaBusy = "false";
    }
  });
}

async function download(link) {
  const address = new URL(link.href);
  const relevant = document.querySelector(`select[data-positive="${address.searchParams.get("format")}"]`);
  if (relevant?.value === "") {
    relevant.focus();
    throw new Error("Choose which class is the relevant one.");
  }
  if (relevant) {
    address.searchParams.set("positive", relevant.value);
  }
  const response = await fetch(address, { credentials: "same-origin", cache: "no-store", headers });
  if (!response.ok) {
    const said = await response.json().catch(() => null);
    throw new Error(said?.error?.message ?? `The server answered ${response.status}.`);
  }
  const content = URL.createObjectURL(await response.blob());
  const saver = document.createElement("a");
  saver.href = content;
  saver.download = nameOf(response) ?? link.dataset.name;
  saver.click();
  setTimeout(() => URL.revokeObjectURL(content), 60_000);
}

function nameOf(response) {
  const said = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(said)?.[1];
  return encoded ? decodeURIComponent(encoded) : /filename="([^"]+)"/i.exec(said)?.[1] ?? null;
}
