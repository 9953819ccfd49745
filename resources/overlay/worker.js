// Keeps the page in the browser, so that its address works before Sidetone runs. What Sidetone serves itself goes first.

const STORE = "sidetone-overlay";
const FILES = ["./", "overlay.css", "overlay.js"];

self.addEventListener("install", (event) => {
    self.skipWaiting();
    event.waitUntil(caches.open(STORE).then((store) => store.addAll(FILES)));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => event.respondWith(fromServerOrStore(event.request)));

async function fromServerOrStore(request) {
    const store = await caches.open(STORE);
    try {
        const answer = await fetch(request);
        if (answer.ok) await store.put(request, answer.clone());
        return answer;
    } catch (error) {
        return (await store.match(request, { ignoreSearch: true })) ?? Promise.reject(error);
    }
}
