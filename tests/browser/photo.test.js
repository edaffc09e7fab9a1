// SPDX-License-Identifier: LGPL-2.1-or-later
// One photo's way through the page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { card, choose, cutOff, drop, dropPortrait, eventually, featured, keptPictures, keysSent, noisePhoto, page,
  painted, photos, portrait, remembered, shot, useBrowser } from './fixture.js';

useBrowser();

/** Notes each state that the only card goes through, with what it says then; gives what was noted. */
async function noteStates() {
  await page.evaluate(() => {
    window.seen = [];
    new MutationObserver(() => {
      const one = document.querySelector('.card');
      if (!one || window.seen.at(-1)?.state === one.dataset.state) return;
      const text = (selector) => one.querySelector(selector).textContent;
      window.seen.push({ state: one.dataset.state, said: text('.state'), explained: text('.explain') });
    }).observe(document.body, { subtree: true, attributes: true, childList: true });
  });
  return () => page.evaluate(() => window.seen);
}

/** A promise, and what keeps it. */
function promised() {
  let keep;
  const kept = new Promise((done) => { keep = done; });
  return { kept, keep };
}

describe('a photo', () => {
  it('is painted when it is dropped, compared with the slider, and downloaded', async () => {
    await shot('empty');
    await dropPortrait();
    await card('succeeded').waitFor();

    await featured();
    const after = card('succeeded').locator('.compare .after');
    assert.deepEqual(await after.evaluate((image) => [image.naturalWidth, image.naturalHeight]), [512, 600]);
    assert.match(await card('succeeded').locator('.facts').textContent(), /512 × 600 · faces: 1/);
    assert.match(await card('succeeded').locator('.more').textContent(), /painted in \d+\.\d+ s/);

    const slider = card('succeeded').getByRole('slider', { name: /Compare/ });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    const cut = () => card('succeeded').locator('.compare').evaluate((e) => e.style.getPropertyValue('--cut'));
    await eventually(async () => assert.equal(await cut(), '52%'));
    const box = await slider.boundingBox();
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height / 2);
    await eventually(async () => assert.ok(Math.abs(parseFloat(await cut()) - 25) <= 2, await cut()));
    await shot('done');

    const [download] = await Promise.all([page.waitForEvent('download'), card('succeeded').locator('.download').click()]);
    assert.match(download.suggestedFilename(), /^portrait-[\w-]+\.jpg$/);
    const bytes = readFileSync(await download.path());
    assert.ok(bytes.length > 10000);
    assert.ok(bytes.readUInt16BE(0) === 0xffd8 || bytes.readUInt32BE(0) === 0x89504e47, 'a JPEG or PNG');
  });

  it('shows how far it is while it is sent and painted', async () => {
    const noted = await noteStates();
    await dropPortrait();
    await card('succeeded').waitFor();
    const seen = (await noted()).map(({ state }) => state);
    assert.ok(seen.includes('preparing') && seen.includes('uploading'), seen.join());
    assert.equal(seen.at(-1), 'succeeded');
    await eventually(async () => assert.equal(await page.locator('#status').textContent(), 'portrait.jpg: Done'));
  });

  it('goes one of several through the queue', async () => {
    await choose(photos(1, 2, 3, 4));
    await painted(4);
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
    await card('succeeded').locator('.before').waitFor(); // the photo to compare with survived too
  });

  it('is found again after a reload while it waits to be sent', async () => {
    let answers = false;
    await page.route('**/v1/jobs', (route) => (answers ? route.continue() : null));
    await choose(photos(1, 2, 3, 4, 5, 6));
    await remembered(6, 'file');
    answers = true;
    await page.reload();
    await painted(6);
    assert.deepEqual(await page.locator('.card .name').allTextContents(),
      [6, 5, 4, 3, 2, 1].map((n) => `photo-${n}.jpg`));
    await remembered(6, 'done');
  });

  it('is not lost when its picture breaks off on the way', async () => {
    const sent = keysSent();
    await cutOff('**/result', async () => {
      await dropPortrait();
      await card('failed').waitFor(); // it was tried several times
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
    await card('succeeded').waitFor(); // it went on by itself
    assert.equal(sent.length, 2);
    assert.equal(sent[0], sent[1]);
  });

  it('waits where the server says "later"', async () => {
    await page.route('**/v1/jobs', (route) => route.fulfill({ status: 429, headers: { 'Retry-After': '1' },
      contentType: 'text/html', body: '<html>429 Too Many Requests</html>' }), { times: 1 });
    const noted = await noteStates(); // it stays held for a second only
    await dropPortrait();
    await card('succeeded').waitFor();
    const seen = await noted();
    const held = seen.find(({ state }) => state === 'held');
    assert.ok(held, JSON.stringify(seen));
    assert.match(held.said, /^Waiting for the server…/);
    assert.equal(held.explained, 'Too many photos in a short time. It goes on in 1 seconds.');
  });

  it('is kept in the browser for a week, with 399 others, and if all of them are not too large', async () => {
    const kept = await page.evaluate(async () => {
      const store = await import('/store.js');
      const save = (key, file, created = Date.now()) => store.save({ key, sendKey: key, file, created });
      const mebibyte = new Blob([new Uint8Array(1024 * 1024)]);
      await save('large', new Blob(Array(513).fill(mebibyte)));
      await save('old', mebibyte, Date.now() - 7 * 24 * 60 * 60 * 1000);
      await store.loadAll();
      for (let n = 1; n <= 402; n += 1) await save(`photo-${n}`, new Blob(['x']));
      return (await store.loadAll()).map((record) => record.key);
    });
    assert.equal(kept.length, 400);
    assert.ok(kept.every((key) => key.startsWith('photo-')), kept.join());
  });

  it('makes room for one that waits, at the cost of those that are painted', async () => {
    const files = await page.evaluate(async () => {
      const store = await import('/store.js');
      for (let n = 1; n <= 400; n += 1) await store.save({ key: `photo-${n}`, sendKey: 'x', file: new Blob(['x']), created: Date.now() + n, done: n === 7 });
      await store.save({ key: 'new', sendKey: 'x', file: new Blob(['x']), created: Date.now() + 500 });
      return (await store.loadAll()).filter((record) => record.file).map((record) => record.key);
    });
    assert.equal(files.length, 400);
    assert.ok(files.includes('new') && !files.includes('photo-7'));
  });

  it('says after a reload that it has expired, where neither server nor browser has it, and is painted again', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    await remembered(1, 'done');
    await page.locator('#forget').click();
    await page.locator('#forget').waitFor({ state: 'hidden' });
    await keptPictures(0);
    await page.route(/v1.jobs../, (route) => route.fulfill({ status: 404, contentType: 'application/problem+json',
      body: '{"code": "job-not-found", "detail": "There is no such job, or it has expired."}' }));
    await page.reload();
    await card('expired').waitFor();
    assert.match(await page.locator('.explain').textContent(), /has expired/);
    await page.unroute(/v1.jobs../);
    await page.locator('.retry').click();
    await card('succeeded').waitFor();
  });

  it('can be cancelled while it waits for others in this page', async () => {
    const sent = keysSent();
    const bothCancelled = promised();
    await page.route('**/v1/jobs', async (route) => {
      if (sent.length <= 2) return; // the first two are never answered and keep the third waiting
      await bothCancelled.kept;
      await route.continue();
    });
    await choose(photos(1, 2, 3));
    await eventually(() => assert.equal(sent.length, 2, 'photos on their way'));
    await page.getByRole('button', { name: 'Cancel: photo-3.jpg' }).click();
    await card('cancelled').waitFor();
    assert.equal(await card('cancelled').locator('.name').textContent(), 'photo-3.jpg');
    await page.getByRole('button', { name: 'Try again: photo-3.jpg' }).click();
    await card('waiting').waitFor();
    for (const n of [1, 2]) await page.getByRole('button', { name: `Cancel: photo-${n}.jpg` }).click();
    bothCancelled.keep();
    await card('succeeded').waitFor();
    assert.equal(sent.length, 3, 'it stood in the queue once');
  });

  it('can be cancelled while it is sent, and sent again', async () => {
    const sent = keysSent();
    const cancelled = promised();
    await page.route('**/v1/jobs', async (route) => {
      await cancelled.kept;
      await route.continue().catch(() => {}); // it is no longer wanted
    });
    await dropPortrait();
    await eventually(() => assert.equal(sent.length, 1, 'on its way'));
    await page.locator('.cancel').click();
    await card('cancelled').waitFor();
    cancelled.keep();
    await page.unroute('**/v1/jobs');
    await page.locator('.retry').click();
    await card('succeeded').waitFor();
    assert.equal(sent.length, 2, 'sent again');
  });
});
