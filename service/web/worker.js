// SPDX-License-Identifier: LGPL-2.1-or-later
// The service worker: keeps the page itself for when the server is not there, so that the page can say so and show
// the pictures that this browser keeps. Never touches the API; the network always comes first.

const shelf = 'gst-anime-page';

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

const isPage = (url) => url.origin === location.origin && url.pathname.startsWith(new URL('./', location).pathname) &&
  !/\/(v1|upload|livez|readyz|metrics)(\/|$)/.test(url.pathname);

async function answer(request) {
  const pages = await caches.open(shelf);
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await pages.put(request, fresh.clone());
    return fresh;
  } catch (why) {
    const kept = await pages.match(request, { ignoreSearch: true });
    if (kept) return kept;
    throw why;
  }
}

addEventListener('fetch', (event) => {
  if (event.request.method === 'GET' && isPage(new URL(event.request.url))) event.respondWith(answer(event.request));
});
