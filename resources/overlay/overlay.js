// Shows what Sidetone sends. Every message holds everything, so nothing is remembered but what stands on the page; when the
// connection ends, it is tried again for ever, and what stood there goes after its time.

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;
const PALEST = 0.55;

const captions = document.getElementById("captions");
const rows = document.getElementById("rows");
let pauseMs = FIRST_PAUSE_MS;
let clearing = 0;
let keepMs = 6000;

function connect() {
    const socket = new WebSocket(location.href.split(/[?#]/)[0].replace(/^http/, "ws"));
    socket.onopen = () => {
        pauseMs = FIRST_PAUSE_MS;
        clearTimeout(clearing);
        clearing = 0;
    };
    socket.onmessage = (event) => show(JSON.parse(event.data));
    socket.onclose = () => {
        clearing ||= setTimeout(() => fill([]), keepMs);
        setTimeout(connect, pauseMs);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    };
}

function show(message) {
    keepMs = 1000 * message.keep_s;
    document.body.dataset.theme = message.theme;
    document.body.dataset.position = message.position;
    const style = document.documentElement.style;
    style.setProperty("--font-px", `${message.font_px}px`);
    style.setProperty("--outline-px", `${message.outline_px}px`);
    style.setProperty("--rows", message.rows);
    fill(message.lines.map((line) => lineElement(line, message.direction)));
}

function fill(elements) {
    captions.hidden = elements.length === 0;
    rows.replaceChildren(...elements);
}

function lineElement(line, direction) {
    const element = document.createElement("div");
    element.dir = direction;
    element.append(...line.words.flatMap(([word, confidence], index) => [index ? " " : "", wordElement(word, confidence)]));
    if (line.tentative) {
        const tentative = document.createElement("span");
        tentative.className = "tentative";
        tentative.textContent = line.tentative;
        element.append(tentative);
    }
    return element;
}

function wordElement(word, confidence) {
    const element = document.createElement("span");
    element.className = "word";
    element.textContent = word;
    element.style.opacity = PALEST + (1 - PALEST) * Math.min(Math.max(confidence, 0), 1);
    return element;
}

// OBS keeps the address and may open it before Sidetone runs: once seen, the page comes out of the browser's own store.
navigator.serviceWorker?.register("worker.js").catch(() => {});
connect();
