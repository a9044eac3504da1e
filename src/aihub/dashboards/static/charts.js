// A chart that the server drew becomes interactive: the same specification, at the width of its place and in
// the colours of the theme. Without script, and until then, the server's drawing stays.

const LIBRARY = new URL("lets-plot.min.js", import.meta.url).href;
const PLACEHOLDER = /#0[12][0-9a-f]{4}/g;
const places = [...document.querySelectorAll("[data-chart]")].map((place) => ({
  place,
  still: place.firstElementChild,
  links: JSON.parse(place.dataset.links),
  figure: null,
}));

// lets-plot writes styles as text, which the policy of these pages blocks; as rules of the CSSOM they are allowed.
function allowItsStyles() {
  const adopt = (element) => {
    const sheet = new CSSStyleSheet();
    const take = () => sheet.replaceSync(element.textContent);
    take();
    new MutationObserver(take).observe(element, { childList: true, characterData: true, subtree: true });
    document.adoptedStyleSheets.push(sheet);
    return element;
  };
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
  const createElementNS = document.createElementNS;
  document.createElementNS = (space, name, ...rest) =>
    name === "style"
      ? adopt(createElementNS.call(document, space, "metadata"))
      : createElementNS.call(document, space, name, ...rest);
  const append = document.head.appendChild;
  document.head.appendChild = (child) =>
    child instanceof HTMLStyleElement ? adopt(child) : append.call(document.head, child);
}

let onPaper = false;
let loading = null;
function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = LIBRARY;
    script.onerror = reject;
    script.onload = () => {
      allowItsStyles();
      resolve();
    };
    document.head.append(script);
  });
  return loading;
}

// #010200 is series 2, #010201 its paler form, #0200.. the frame: see charts/specs.py
function classOf(placeholder) {
  const [kind, a, b] = [1, 3, 5].map((at) => parseInt(placeholder.slice(at, at + 2), 16));
  return kind === 1 ? `f-s${a}${b ? "o" : ""}` : `f-${["grid", "text", "ink", "surface"][b]}`;
}

function inThemesColours(text, place) {
  const probe = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  probe.append(rect);
  probe.setAttribute("class", "hidden-text");
  place.append(probe);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colours = text.replace(PLACEHOLDER, (placeholder) => {
    if (!known.has(placeholder)) {
      rect.setAttribute("class", classOf(placeholder));
      canvas.fillStyle = getComputedStyle(rect).fill;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(placeholder, `rgb(${r},${g},${b})`);
    }
    return known.get(placeholder);
  });
  probe.remove();
  return colours;
}

function draw(chart) {
  const { place, still } = chart;
  const stage = document.createElement("div");
  stage.className = "plot-stage";
  stage.setAttribute("aria-hidden", "true");
  const spec = JSON.parse(inThemesColours(place.dataset.chart, place));
  place.replaceChildren(stage);
  try {
    chart.figure = window.LetsPlot.buildPlotFromRawSpecs(spec, stage, {
      width_mode: "FIT", height_mode: "FIT", width: null, height: null,
    });
  } catch {
    chart.figure = null;
    place.replaceChildren(still);
    return;
  }
  stage.addEventListener("click", (event) => follow(chart, stage, event));
  stage.classList.toggle("leads-on", chart.links.some(Boolean));
}

// the lines across a chart are as wide as all its slots together
function follow(chart, stage, event) {
  const across = [...stage.querySelectorAll("line")]
    .map((line) => line.getBoundingClientRect())
    .reduce((widest, box) => (widest && widest.width >= box.width ? widest : box), null);
  if (!across || !across.width) return;
  const share = (event.clientX - across.left) / across.width;
  const link = share >= 0 && share < 1 ? chart.links[Math.floor(share * chart.links.length)] : null;
  if (link) location.assign(link);
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const chart = places.find(({ place }) => place === target);
    chart?.figure?.updateView({});
  }
});

async function upgrade(chart) {
  try {
    await load();
  } catch {
    return; // the drawing stays as it is
  }
  if (!onPaper) draw(chart);
  sizes.observe(chart.place);
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    const chart = places.find(({ place }) => place === target);
    (window.requestIdleCallback ?? setTimeout)(() => upgrade(chart));
  }
}, { rootMargin: "200px" });

if (!navigator.connection?.saveData) for (const { place } of places) seen.observe(place);

const redraw = () => onPaper || places.filter(({ figure }) => figure).forEach(draw);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// paper is white: there the server's drawing has the right colours
addEventListener("beforeprint", () => {
  onPaper = true;
  for (const { place, still, figure } of places) if (figure) place.replaceChildren(still);
});
addEventListener("afterprint", () => {
  onPaper = false;
  redraw();
});
