// SPDX-License-Identifier: LGPL-2.1-or-later
// A page of another origin calls the API in a real Chromium, by the client that examples/ has for it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { startBrowser, startServer } from './server.js';

const client = readFileSync(new URL('../../examples/anime-client.mjs', import.meta.url));
const photo = readFileSync(new URL('../../docs/pictures/portrait.jpg', import.meta.url)).toString('base64');
const sites = [];
let browser;
let server;

/** An origin of its own, with an empty page and the client. */
async function site() {
  const served = createServer((request, response) => {
    const isClient = request.url === '/anime-client.mjs';
    response.setHeader('Content-Type', isClient ? 'text/javascript' : 'text/html');
    response.end(isClient ? client : '<!doctype html><title>elsewhere</title>');
  });
  await new Promise((listening) => served.listen(0, '127.0.0.1', listening));
  sites.push(served);
  return `http://127.0.0.1:${served.address().port}`;
}

before(async () => {
  const allowed = await site();
  const other = await site();
  [server, browser] = await Promise.all([startServer(['--cors-origin', allowed]), startBrowser()]);
  server.allowed = allowed;
  server.other = other;
});
after(async () => {
  await browser?.close();
  await server?.stop();
  for (const served of sites) served.close();
});

async function pageOf(origin) {
  const page = await browser.newPage();
  await page.goto(origin);
  return page;
}

test('a page of a listed origin paints, sees errors with their codes, and events', async () => {
  const page = await pageOf(server.allowed);
  const seen = await page.evaluate(async ([url, base64]) => {
    const { AnimeClient } = await import('/anime-client.mjs');
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const anime = new AnimeClient(url);
    const picture = await anime.paint(bytes, { format: 'png', max_dimension: 64 });
    const refusal = await anime.paint(bytes, { style: 'no-such-style' }).catch((error) => error);
    const made = await fetch(`${url}/v1/jobs?strength=0.3`, { method: 'POST', body: new Blob([bytes], { type: 'image/jpeg' }) });
    const job = await made.json();
    const done = await new Promise((resolve, reject) => {
      const events = new EventSource(url + job.links.events);
      events.addEventListener('done', (event) => { events.close(); resolve(JSON.parse(event.data)); });
      events.onerror = () => reject(new Error('no events'));
    });
    return { type: picture.type, code: refusal.code, id: refusal.requestId, state: done.state, location: made.headers.get('Location'), header: made.headers.get('X-Request-ID') };
  }, [server.url.replace(/\/$/, ''), photo]);
  assert.equal(seen.type, 'image/png');
  assert.equal(seen.code, 'option-invalid');
  assert.match(seen.id, /^[0-9a-f]{32}$/);
  assert.equal(seen.state, 'succeeded');
  assert.match(seen.location, /^\/v1\/jobs\//, 'exposed');
  assert.match(seen.header, /^[0-9a-f]{32}$/, 'exposed');
  await page.close();
});

test('a page of any other origin learns nothing', async () => {
  const page = await pageOf(server.other);
  const url = server.url.replace(/\/$/, '');
  for (const [path, options] of [['/v1/limits', {}], ['/v1/jobs', { method: 'POST', headers: { 'Content-Type': 'image/jpeg' }, body: 'x' }]]) {
    const outcome = await page.evaluate(([address, how]) => fetch(address, how).then(() => 'read', (error) => error.name), [url + path, options]);
    assert.equal(outcome, 'TypeError', path);
  }
  await page.close();
});
