// Everything here only adds comfort: the pages work without it.

const root = document.documentElement;
const darkSystem = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : darkSystem.matches;
}

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    root.dataset.theme = theme;
    // a cookie, so that the server writes it into the next page and nothing flashes
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `aihub_theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  });
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    const label = button.getAttribute("aria-label");
    button.addEventListener("click", async () => {
      let said = "Copied";
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
      } catch {
        said = "Not copied: the browser does not allow it";
      }
      button.classList.toggle("is-done", said === "Copied");
      button.setAttribute("aria-label", said);
      setTimeout(() => {
        button.classList.remove("is-done");
        button.setAttribute("aria-label", label);
      }, 1500);
    });
  }
}

document.querySelector("form[data-send-at-once]")?.requestSubmit();

// a menu closes when one goes on elsewhere
for (const menu of document.querySelectorAll("details.switcher")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
}

// empty fields would make the address of a filtered list long and ugly
for (const form of document.querySelectorAll("form.filter-form")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) {
      if (field.name && !field.value) field.disabled = true;
    }
  });
  addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}

// work under way: looked at again until it is done, without loading the page anew each time
const live = document.querySelector("[data-live]");

function showResult() {
  const fields = [...document.querySelectorAll("main input, main textarea")];
  if (!fields.some((field) => field.value !== field.defaultValue)) return location.assign(live.dataset.liveUrl);
  // somebody is typing: what was typed would be lost
  const link = Object.assign(document.createElement("a"), { href: live.dataset.liveUrl, textContent: "See the result" });
  live.replaceChildren("Done. ", link);
}

async function lookAgain() {
  try {
    const answer = await fetch(live.dataset.liveUrl, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.querySelector("[data-live]");
    if (!next) return showResult();
    const [before, now] = [live, next].map((part) => [...part.querySelectorAll("[data-part]")]);
    if (before.length !== now.length) return showResult();
    before.forEach((part, index) => part.replaceWith(now[index]));
  } catch {
    // the hub is away for a moment
  }
  setTimeout(lookAgain, Number(live.dataset.live));
}

if (live) setTimeout(lookAgain, Number(live.dataset.live));

// a part of the page that takes longer than the rest
for (const place of document.querySelectorAll("[data-include]")) {
  fetch(place.dataset.include, { cache: "no-store" }).then(async (answer) => {
    if (!answer.ok) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...part.body.childNodes);
  }, () => {}); // the hub is away for a moment: what it adds is on a page of its own, too
}

// what is folded away on a screen is wanted on paper
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("main details:not([open]):not(.filter)")];
  for (const part of opened) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of opened) part.open = false;
  opened = [];
});
