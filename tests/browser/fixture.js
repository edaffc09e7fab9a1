// SPDX-License-Identifier: LGPL-2.1-or-later
// The page in a real Chromium against the real server, as the test files of this folder share it.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach } from 'node:test';
import { patience, startBrowser, startServer } from './server.js';

export const portrait = '/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg';
const pictures = process.env.ANIME_SCREENSHOTS; // a folder; none are taken without it

export let server;
export let browser;
export let context;
export let page;
let complaints;
let cuts; // the test cuts requests off, which the console reports

/** Makes each test of the file begin with a fresh visit, and end with a clean console. */
export function useBrowser(options = ['--rate', '600', '--burst', '300']) {
  before(async () => {
    if (pictures) mkdirSync(pictures, { recursive: true });
    [server, browser] = await Promise.all([startServer(options), startBrowser()]);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
  beforeEach(() => visit());
  afterEach(async () => {
    await context.close();
    assert.deepEqual(complaints, [], 'the console is clean: no script error, nothing that the policy forbids');
  });
}

/** The test expects complaints: of a status 500, or of connections that are cut off from here on. */
export const excuse = { complaints: () => { complaints = []; }, cuts: () => { cuts = true; } };

export async function visit(options = {}, prepare = async () => {}) {
  await context?.close();
  context = await browser.newContext({ locale: 'en-GB', acceptDownloads: true, ...options });
  page = await context.newPage();
  complaints = [];
  cuts = false;
  await prepare();
  page.setDefaultTimeout(patience);
  page.on('console', (message) => {
    // Chromium reports each 4xx answer as an error of its own; the page shows those in words.
    const refused = /Failed to load resource: the server responded with a status of 4/.test(message.text());
    const cut = cuts && /net::ERR_(FAILED|INTERNET_DISCONNECTED|CONNECTION_REFUSED|EMPTY_RESPONSE|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING|NETWORK)/.test(message.text());
    if (message.type() === 'error' && !refused && !cut) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(server.url);
  await page.locator('#styles input').first().waitFor({ state: 'attached' });
}

export const shot = (name) => (pictures ? page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true }) : null);

/**
 * What `check` asserts has to become so: the page does much a task, a frame or a transaction after what was waited for.
 * A failure is the last one, with what was seen then.
 */
export async function eventually(check, within = patience) {
  for (const end = Date.now() + within; ;) {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof assert.AssertionError) || Date.now() > end) throw error;
    }
    await new Promise((done) => { setTimeout(done, 50); });
  }
}

/** Drops a file of these bytes onto the page, as the browser does for a real one. */
export async function drop(name, type, bytes) {
  const data = await page.evaluateHandle(([fileName, fileType, base64]) => {
    const transfer = new DataTransfer();
    const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([raw], fileName, { type: fileType }));
    return transfer;
  }, [name, type, Buffer.from(bytes).toString('base64')]);
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
}

export const photos = (...numbers) => numbers.map((n) => (
  { name: `photo-${n}.jpg`, mimeType: 'image/jpeg', buffer: readFileSync(portrait) }));
export const choose = (files) => page.locator('#picker').setInputFiles(files);

/** All that the browser has in `store`, as it is once what the page wrote before is written. */
const stored = (store, field) => page.evaluate(([from, name]) => new Promise((done) => {
  indexedDB.open('gst-anime').onsuccess = ({ target: { result: database } }) => {
    const all = database.transaction(from).objectStore(from).getAll();
    all.onsuccess = () => {
      database.close();
      done(all.result.filter((one) => one[name]).length);
    };
  };
}), [store, field]);

/** Waits until the browser remembers as many photos that have this field. */
export const remembered = (count, field) => eventually(async () =>
  assert.equal(await stored('photos', field), count, `photos with "${field}" in the browser`));

/** Waits until the browser keeps as many finished pictures. */
export const keptPictures = (count) => eventually(async () =>
  assert.equal(await stored('paintings', 'picture'), count, 'pictures in the browser'));

/** Waits until as many photos are there, each painted. */
export const painted = (count) => eventually(async () =>
  assert.deepEqual(await page.locator('.card').evaluateAll((all) => all.map((one) => one.dataset.state)),
    Array(count).fill('succeeded')));

/** Waits until the only photo stands large with its picture, and the page has scrolled to where that is seen. */
export async function featured() {
  await card('succeeded').locator('.compare .after').waitFor();
  await card('succeeded').locator('.compare .after').evaluate((image) => image.decode());
  await still('.card');
}

/** Waits until it has been where it is for ten frames. */
export const still = (selector) => page.locator(selector).first().evaluate((element) => new Promise((done) => {
  let last = '';
  let frames = 0;
  const look = () => {
    const { x, y, width, height } = element.getBoundingClientRect();
    const now = [x, y, width, height].join();
    frames = now === last ? frames + 1 : 0;
    last = now;
    if (frames === 10) done();
    else requestAnimationFrame(look);
  };
  look();
}));

/** Cuts off the next request that matches, or as long as `act` takes. */
export async function cutOff(pattern, act) {
  cuts = true;
  await page.route(pattern, (route) => route.abort(), act ? {} : { times: 1 });
  if (act) {
    await act();
    await page.unroute(pattern);
  }
}

/** Opens the viewer on the newest picture, and waits until that is there in its place. */
export async function openViewer() {
  const alone = (await page.locator('.card').count()) === 1;
  await (alone ? page.locator('.card.featured .view') : page.locator('.card .open').first()).click();
  await page.locator('#viewer:not(.empty) .over[src]').waitFor();
  await eventually(async () => assert.match(
    await page.locator('.viewer-stage').evaluate((stage) => stage.style.getPropertyValue('--view')), /scale/));
  await still('#viewer .over');
}

/** Counts the photos that are sent from here on, by the key that each has. */
export function keysSent() {
  const keys = [];
  page.on('request', (request) => {
    const key = request.headers()['idempotency-key'];
    if (request.method() === 'POST' && !key.startsWith('thumbnail-')) keys.push(key);
  });
  return keys;
}

export const card = (state) => page.locator(`.card[data-state="${state}"]`);
export const dropPortrait = () => drop('portrait.jpg', 'image/jpeg', readFileSync(portrait));

/** A photo that only the browser can make at this size: noise, so that it does not compress. */
export const noisePhoto = (width, height) => page.evaluate(async ([w, h]) => {
  const canvas = new OffscreenCanvas(w, h);
  const context2d = canvas.getContext('2d');
  const pixels = context2d.createImageData(w, h);
  for (let i = 0; i < pixels.data.length; i += 1) pixels.data[i] = i % 4 === 3 ? 255 : (i * 2654435761) >>> 24;
  context2d.putImageData(pixels, 0, 0);
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 1 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}, [width, height]);
