// Tiles that move by themselves, from the stream of what happens now. Where there is no stream (all organizations
// together, too many viewers) the page is asked for them.

const board = document.querySelector("[data-stream], [data-poll]");
const state = document.querySelector("[data-stream-state]");
const POLL_MS = 5_000;
const STALE_MS = 20_000;
let heardAt = 0;
let polling = false;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

const FORMATS = {
  number: (value) => (value < 10_000 ? whole.format(value) : short.format(value).replace("K", "k")),
  share: (value) => {
    const percent = value * 100;
    if (percent === 0) return "0%";
    return percent < 0.1 ? "<0.1%" : `${percent.toFixed(percent < 10 ? 1 : 0)}%`;
  },
  duration: (value) => (value < 1000 ? `${Math.round(value)} ms` : `${(Math.floor(value / 100) / 10).toFixed(1)} s`),
};

function show(numbers) {
  for (const part of board.querySelectorAll("[data-field]")) {
    const value = numbers[part.dataset.field];
    const known = value !== null && value !== undefined;
    const text = known ? FORMATS[part.dataset.format](Number(value)) : "–";
    put(part, text, known ? String(value) : "No call in this time");
  }
}

function put(part, text, title) {
  part.title = title;
  if (part.textContent === text) return;
  part.textContent = text;
  const tile = part.closest(".tile");
  tile.classList.remove("has-moved");
  void tile.offsetWidth; // begins the animation anew
  tile.classList.add("has-moved");
}

function tell(words, isLive) {
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("is-live", isLive);
}

function hear(text) {
  heardAt = Date.now();
  show(JSON.parse(text));
  tell("Live", true);
}

async function poll() {
  polling = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fields = [...page.querySelectorAll("[data-field]")];
    if (!fields.length) return location.reload(); // signed out, say: the page itself tells
    for (const field of fields) put(board.querySelector(`[data-field="${field.dataset.field}"]`), field.textContent, field.title);
    tell("Every 5 seconds", true);
  } catch {
    tell("Connecting again …", false);
  }
  setTimeout(poll, POLL_MS);
}

if (board?.dataset.poll !== undefined) setTimeout(poll, POLL_MS);
else if (board && window.EventSource) {
  const source = new EventSource(board.dataset.stream);
  const take = (event) => hear(event.data);
  source.addEventListener(board.dataset.event, take);
  source.addEventListener("open", () => {
    heardAt = Date.now();
    tell("Live", true);
  });
  source.addEventListener("error", () => {
    tell("Connecting again …", false);
    if (source.readyState === EventSource.CLOSED && !polling) poll(); // refused for good
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(() => {
    if (heardAt && Date.now() - heardAt > STALE_MS && source.readyState !== EventSource.OPEN) tell("Connecting again …", false);
  }, 5_000);
}
