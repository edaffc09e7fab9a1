// SPDX-License-Identifier: LGPL-2.1-or-later
// The page in a real Chromium against the real server: what a person does with it.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { faint } from './contrast.js';
import { startBrowser, startServer } from './server.js';

const portrait = '/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg';
const pictures = process.env.ANIME_SCREENSHOTS; // a folder; none are taken without it
const patience = 60000; // also on a machine that is busy

let server;
let browser;
let context;
let page;
let complaints;
let cuts; // the test cuts requests off, which the console reports

before(async () => {
  if (pictures) mkdirSync(pictures, { recursive: true });
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function visit(options = {}, prepare = async () => {}) {
  context = await browser.newContext({ locale: 'en-GB', acceptDownloads: true, ...options });
  page = await context.newPage();
  complaints = [];
  cuts = false;
  await prepare();
  page.setDefaultTimeout(patience);
  page.on('console', (message) => {
    // Chromium reports each 4xx answer as an error of its own; the page shows those in words.
    const refused = /Failed to load resource: the server responded with a status of 4/.test(message.text());
    const cut = cuts && message.text().includes('net::ERR_FAILED');
    if (message.type() === 'error' && !refused && !cut) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(server.url);
  await page.locator('#style option').first().waitFor({ state: 'attached' });
}

beforeEach(() => visit());
afterEach(async () => {
  await context.close();
  assert.deepEqual(complaints, [], 'the console is clean: no script error, nothing that the policy forbids');
});

const shot = (name) => (pictures ? page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true }) : null);

/** Drops a file of these bytes onto the page, as the browser does for a real one. */
async function drop(name, type, bytes) {
  const data = await page.evaluateHandle(([fileName, fileType, base64]) => {
    const transfer = new DataTransfer();
    const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([raw], fileName, { type: fileType }));
    return transfer;
  }, [name, type, Buffer.from(bytes).toString('base64')]);
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
}

const photos = (...numbers) => numbers.map((n) => (
  { name: `photo-${n}.jpg`, mimeType: 'image/jpeg', buffer: readFileSync(portrait) }));
const choose = (files) => page.locator('#picker').setInputFiles(files);

/** Waits until the browser remembers as many photos that have this field. */
const remembered = (count, field) => page.waitForFunction(([number, name]) => new Promise((done) => {
  indexedDB.open('gst-anime', 1).onsuccess = (event) => {
    const all = event.target.result.transaction('photos').objectStore('photos').getAll();
    all.onsuccess = () => done(all.result.filter((photo) => photo[name]).length === number);
  };
}), [count, field]);

/** Cuts off the next request that matches, or as long as `act` takes. */
async function cutOff(pattern, act) {
  cuts = true;
  await page.route(pattern, (route) => route.abort(), act ? {} : { times: 1 });
  if (act) {
    await act();
    await page.unroute(pattern);
  }
}

/** Counts the photos that are sent from here on, by the key that each has. */
function keysSent() {
  const keys = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') keys.push(request.headers()['idempotency-key']);
  });
  return keys;
}

const card = (state) => page.locator(`.card[data-state="${state}"]`);
const dropPortrait = () => drop('portrait.jpg', 'image/jpeg', readFileSync(portrait));

/** A photo that only the browser can make at this size: noise, so that it does not compress. */
const noisePhoto = (width, height) => page.evaluate(async ([w, h]) => {
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

describe('a photo', () => {
  it('is painted when it is dropped, compared with the slider, and downloaded', async () => {
    await shot('empty');
    await dropPortrait();
    await card('succeeded').waitFor();

    const after = card('succeeded').locator('.after');
    assert.deepEqual(await after.evaluate((image) => [image.naturalWidth, image.naturalHeight]), [512, 600]);
    assert.match(await card('succeeded').locator('.facts').textContent(), /512 × 600 · faces: 1 · \d+\.\d+ s/);

    const slider = card('succeeded').getByRole('slider');
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    const cut = () => card('succeeded').locator('.compare').evaluate((e) => e.style.getPropertyValue('--cut'));
    assert.equal(await cut(), '52%');
    const box = await slider.boundingBox();
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height / 2);
    assert.ok(Math.abs(parseFloat(await cut()) - 25) <= 2, await cut());
    await shot('done');

    const [download] = await Promise.all([page.waitForEvent('download'), card('succeeded').locator('.download').click()]);
    assert.match(download.suggestedFilename(), /^portrait-anime\.(jpg|png)$/);
    const bytes = readFileSync(await download.path());
    assert.ok(bytes.length > 10000);
    assert.ok(bytes.readUInt16BE(0) === 0xffd8 || bytes.readUInt32BE(0) === 0x89504e47, 'a JPEG or PNG');
  });

  it('shows how far it is while it is sent and painted', async () => {
    await page.evaluate(() => {
      window.seen = [];
      new MutationObserver(() => {
        const state = document.querySelector('.card')?.dataset.state;
        if (state && window.seen.at(-1) !== state) window.seen.push(state);
      }).observe(document.body, { subtree: true, attributes: true, childList: true });
    });
    await dropPortrait();
    await card('succeeded').waitFor();
    const seen = await page.evaluate(() => window.seen);
    assert.ok(seen.includes('preparing') && seen.includes('uploading'), seen.join());
    assert.equal(seen.at(-1), 'succeeded');
    assert.equal(await page.locator('#status').textContent(), 'portrait.jpg: Done');
  });

  it('goes one of several through the queue', async () => {
    await choose(photos(1, 2, 3, 4));
    await page.waitForFunction(() => document.querySelectorAll('.card[data-state="succeeded"]').length === 4,
      null, { timeout: patience });
  });

  it('is scaled down here when it is too large to send', async () => {
    await drop('huge.jpg', 'image/jpeg', Buffer.from(await noisePhoto(4000, 3000), 'base64'));
    await card('succeeded').waitFor();
    assert.match(await card('succeeded').locator('.facts').textContent(), /scaled from 4000 × 3000 to 2000 × 1500/);
  });

  it('is found again after a reload in the middle', async () => {
    await cutOff(/v1.jobs./, async () => {
      await dropPortrait();
      await remembered(1, 'job');
    });
    await page.reload();
    await card('succeeded').waitFor();
    assert.equal(await card('succeeded').locator('.name').textContent(), 'portrait.jpg');
    assert.ok(await card('succeeded').locator('.before').isVisible(), 'the photo to compare with survived too');
  });

  it('is found again after a reload while it waits to be sent', async () => {
    let answers = false;
    await page.route('**/v1/jobs', (route) => (answers ? route.continue() : null));
    await choose(photos(1, 2, 3, 4, 5, 6));
    await remembered(6, 'file');
    answers = true;
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll('.card[data-state="succeeded"]').length === 6);
    assert.deepEqual(await page.locator('.card .name').allTextContents(),
      [6, 5, 4, 3, 2, 1].map((n) => `photo-${n}.jpg`));
    await remembered(0, 'file');
  });

  it('is not lost when its picture breaks off on the way', async () => {
    const sent = keysSent();
    await cutOff('**/result', async () => {
      await dropPortrait();
      await card('failed').waitFor();
      await page.locator('.retry').click(); // it breaks once more
      await card('failed').waitFor();
      assert.equal(await page.locator('.explain').textContent(), 'The connection broke. Check it and try again.');
    });
    await page.reload();
    await card('succeeded').waitFor();
    assert.equal(sent.length, 1, 'the job of the first time is used');
  });

  it('is sent with the same key when the connection broke, so that it is painted once', async () => {
    const sent = keysSent();
    await cutOff('**/v1/jobs');
    await dropPortrait();
    await card('failed').waitFor();
    await page.locator('.retry').click();
    await card('succeeded').waitFor();
    assert.equal(sent.length, 2);
    assert.equal(sent[0], sent[1]);
  });

  it('waits where the server says "later"', async () => {
    await page.route('**/v1/jobs', (route) => route.fulfill({ status: 429, headers: { 'Retry-After': '1' },
      contentType: 'text/html', body: '<html>429 Too Many Requests</html>' }), { times: 1 });
    await dropPortrait();
    await card('held').waitFor();
    assert.equal(await page.locator('.state').textContent(), 'Waiting for the server…');
    assert.equal(await page.locator('.explain').textContent(),
      'Too many photos in a short time. It goes on in 1 seconds.');
    await card('succeeded').waitFor();
  });

  it('is kept in the browser for a day, with 47 others, and if all of them are not too large', async () => {
    const kept = await page.evaluate(async () => {
      const store = await import('/store.js');
      const save = (key, file, created = Date.now()) => store.save({ key, file, created });
      const mebibyte = new Blob([new Uint8Array(1024 * 1024)]);
      await save('large', new Blob(Array(257).fill(mebibyte)));
      await save('old', mebibyte, Date.now() - 24 * 60 * 60 * 1000);
      await store.loadAll();
      for (let n = 1; n <= 50; n += 1) await save(`photo-${n}`, new Blob(['x']));
      return (await store.loadAll()).map((record) => record.key);
    });
    assert.equal(kept.length, 48);
    assert.ok(kept.every((key) => key.startsWith('photo-')), kept.join());
    await remembered(48, 'key');
  });

  it('leaves the list quietly after a reload when the server has forgotten it', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    await remembered(1, 'done');
    await page.route(/v1.jobs./, (route) => route.fulfill({ status: 404, contentType: 'application/problem+json',
      body: '{"code": "job-not-found", "detail": "There is no such job, or it has expired."}' }));
    await page.reload();
    await remembered(0, 'key');
    await page.locator('.card').waitFor({ state: 'detached' });
    assert.ok(await page.locator('#clear').isHidden());
  });

  it('can be cancelled while it waits for others in this page', async () => {
    const sent = keysSent();
    let go;
    const bothCancelled = new Promise((done) => { go = done; });
    await page.route('**/v1/jobs', async (route) => {
      if (sent.length <= 2) return; // the first two are never answered and keep the third waiting
      await bothCancelled;
      await route.continue();
    });
    await choose(photos(1, 2, 3));
    await page.getByRole('button', { name: 'Cancel: photo-3.jpg' }).click();
    await card('cancelled').waitFor();
    assert.equal(await card('cancelled').locator('.name').textContent(), 'photo-3.jpg');
    await page.getByRole('button', { name: 'Try again: photo-3.jpg' }).click();
    await card('waiting').waitFor();
    for (const n of [1, 2]) await page.getByRole('button', { name: `Cancel: photo-${n}.jpg` }).click();
    go();
    await card('succeeded').waitFor();
    assert.equal(sent.length, 3, 'it stood in the queue once');
  });

  it('can be cancelled while it is sent, and sent again', async () => {
    await page.route('**/v1/jobs', async (route) => {
      await new Promise((done) => { setTimeout(done, 1500); });
      await route.continue().catch(() => {}); // cancelled meanwhile
    });
    await dropPortrait();
    await card('uploading').or(card('preparing')).waitFor();
    await page.locator('.cancel').click();
    await card('cancelled').waitFor();
    await page.unroute('**/v1/jobs');
    await page.locator('.retry').click();
    await card('succeeded').waitFor();
  });
});

describe('what can’t be painted', () => {
  for (const [what, name, type, content] of [
    ['a text file', 'notes.txt', 'text/plain', 'These are only words.\n'.repeat(20)],
    ['a text file named .jpg', 'fake.jpg', 'image/jpeg', 'These are only words.\n'.repeat(20)],
  ]) {
    it(`${what} is refused in words`, async () => {
      await drop(name, type, content);
      await card('failed').waitFor();
      assert.equal(await card('failed').locator('.explain').textContent(),
        'This is not a photo in a format that is served here. Save it as JPEG, PNG or WebP.');
      assert.match(await card('failed').locator('.facts').textContent(), /^Request \S+/);
      await shot(`refused-${name}`);
    });
  }

  it('a HEIC photo is refused by this browser, whatever type it is given', async () => {
    for (const type of ['image/heic', '']) {
      await drop('IMG_0001.HEIC', type, '\0\0\0\x18ftypheic\0\0\0\0');
      await card('failed').waitFor();
      assert.equal(await card('failed').locator('.explain').textContent(),
        'This browser can’t open HEIC files. Save the photo as JPEG and try again.');
      await page.locator('.remove').click();
    }
  });

  it('a file that is too large is refused in words, with its size and the limit', async () => {
    await drop('notes.txt', 'text/plain', 'x'.repeat(6 * 1024 * 1024));
    await card('failed').waitFor();
    assert.match(await page.locator('.explain').textContent(),
      /^The file is too large: 6 MiB, the limit is 5 MiB\./);
  });

  it('an answer of something in front of the server is put into words too', async () => {
    for (const [status, said] of [
      [413, 'The file is too large for this server. Save it smaller, or as JPEG.'],
      [500, 'The server answered with an error (500). Try again later.'],
    ]) {
      await page.route('**/v1/jobs', (route) => route.fulfill({ status, contentType: 'text/html', body: '<html>' }));
      await dropPortrait();
      await card('failed').waitFor();
      assert.equal(await page.locator('.explain').textContent(), said);
      await page.locator('.remove').click();
      await page.unroute('**/v1/jobs');
    }
    complaints = []; // about the status 500
  });

  it('a photo that ends too early is refused in words', async () => {
    await drop('half.jpg', 'image/jpeg', readFileSync(portrait).subarray(0, 30000));
    await card('failed').waitFor();
    assert.match(await card('failed').locator('.explain').textContent(), /ends too early|damaged/);
  });

  it('a drop without a file says so', async () => {
    const empty = await page.evaluateHandle(() => new DataTransfer());
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: empty });
    assert.match(await page.locator('#notice').textContent(), /no photo/);
    await page.locator('[data-lang="zh"]').click();
    assert.match(await page.locator('#notice').textContent(), /没有找到照片/);
  });
});

describe('the page', () => {
  it('works where the browser refuses to store anything', async () => {
    await context.close();
    await visit({}, () => page.addInitScript(() => {
      for (const store of ['localStorage', 'indexedDB']) {
        Object.defineProperty(window, store, { get() { throw new DOMException('denied', 'SecurityError'); } });
      }
    }));
    await page.locator('[data-lang="zh"]').click();
    assert.equal(await page.locator('h1').textContent(), '把照片画成动漫');
    await dropPortrait();
    await card('succeeded').waitFor();
  });

  it('says that the server does not answer, and takes back only that', async () => {
    await cutOff(/v1.(jobs.|limits)/, async () => {
      await dropPortrait();
      await page.locator('#offline').waitFor();
      await page.dispatchEvent('#drop', 'drop', { dataTransfer: await page.evaluateHandle(() => new DataTransfer()) });
    });
    await card('succeeded').waitFor();
    await page.locator('#offline').waitFor({ state: 'hidden' });
    assert.ok(await page.locator('#notice').isVisible());
  });

  it('asks again for the styles until it gets them', async () => {
    await context.close();
    let asked = 0;
    let saidSo = false;
    await visit({}, async () => {
      cuts = true;
      await page.route('**/v1/limits', async (route) => {
        asked += 1;
        if (asked === 1) await route.abort();
        else if (asked === 2) {
          saidSo = await page.locator('#offline').isVisible();
          await route.fulfill({ json: { ready: false, service: {} } });
        } else await route.continue();
      });
    });
    assert.equal(asked, 3);
    assert.ok(saidSo && await page.locator('#offline').isHidden());
    assert.equal(await page.locator('#style').inputValue(), 'default');
    const labels = await page.locator('#style option').allTextContents();
    assert.ok(labels.includes('Default (hayao-lite)') && !labels.includes('hayao-lite'), labels.join());
  });
});

describe('a person', () => {
  it('reads Chinese after choosing it, and after a reload', async () => {
    await page.locator('[data-lang="zh"]').click();
    assert.equal(await page.locator('h1').textContent(), '把照片画成动漫');
    assert.match(await page.title(), /把照片画成动漫/);
    await page.reload();
    assert.equal(await page.locator('h1').textContent(), '把照片画成动漫');
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
    await drop('notes.txt', 'text/plain', 'words');
    await card('failed').waitFor();
    assert.match(await card('failed').locator('.explain').textContent(), /不是本站支持的照片格式/);
    await shot('chinese');
  });

  it('gets Chinese at once from a Chinese browser', async () => {
    await context.close();
    await visit({ locale: 'zh-CN' });
    assert.equal(await page.locator('h1').textContent(), '把照片画成动漫');
  });

  it('uses a phone: nothing is wider than the screen, the camera is offered', async () => {
    await context.close();
    await visit({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
    assert.ok(await page.locator('.camera').isVisible());
    await shot('phone-empty');
    await dropPortrait();
    await card('succeeded').waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await shot('phone-done');
  });

  it('uses the keyboard alone: every control can be reached and has a name', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    const reached = new Set();
    for (let i = 0; i < 25; i += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => {
        const focused = document.activeElement;
        return focused.id || focused.className || focused.textContent;
      }));
    }
    for (const control of ['picker', 'style', 'strength', 'faces', 'clear']) assert.ok(reached.has(control), control);
    assert.ok(await card('succeeded').getByRole('slider', { name: /Compare portrait\.jpg/ }).isVisible());
    assert.ok(await page.getByRole('link', { name: 'Download: portrait.jpg' }).isVisible());
  });

  it('keeps the focus where a button goes away', async () => {
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await page.route('**/v1/jobs', () => {}); // never answered
    await dropPortrait();
    await page.getByRole('progressbar', { name: 'Progress of portrait.jpg' }).waitFor();
    await page.locator('.cancel').press('Enter');
    await card('cancelled').waitFor();
    assert.match(await focused(), /^card/);
    await page.locator('.remove').press('Enter');
    assert.equal(await focused(), 'drop');
  });

  it('can read every text: its contrast is 4.5 or more, in the light and in the dark', async () => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await drop('notes.txt', 'text/plain', 'words');
      await dropPortrait();
      await card('failed').waitFor();
      await card('succeeded').waitFor();
      assert.deepEqual(await page.evaluate(faint), [], colorScheme);
      await page.locator('#clear').click();
    }
  });

  it('works in the dark', async () => {
    await context.close();
    await visit({ colorScheme: 'dark' });
    const ink = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ink, 'rgb(15, 24, 34)');
    await dropPortrait();
    await card('succeeded').waitFor();
    await shot('dark');
  });
});
