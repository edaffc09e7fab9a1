// SPDX-License-Identifier: LGPL-2.1-or-later
// One photo's way through the page, what can't be painted, and who uses it how.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import axe from 'axe-core';
import { faint } from './contrast.js';
import { card, choose, context, cutOff, drop, dropPortrait, excuse, keysSent, noisePhoto, page, patience, photos,
  portrait, remembered, server, shot, useBrowser, visit } from './fixture.js';

useBrowser();

describe('a photo', () => {
  it('is painted when it is dropped, compared with the slider, and downloaded', async () => {
    await shot('empty');
    await dropPortrait();
    await card('succeeded').waitFor();

    const after = card('succeeded').locator('.compare .after');
    await after.waitFor();
    assert.deepEqual(await after.evaluate((image) => [image.naturalWidth, image.naturalHeight]), [512, 600]);
    assert.match(await card('succeeded').locator('.facts').textContent(), /512 × 600 · faces: 1/);
    assert.match(await card('succeeded').locator('.more').textContent(), /painted in \d+\.\d+ s/);

    const slider = card('succeeded').getByRole('slider', { name: /Compare/ });
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
    assert.match(download.suggestedFilename(), /^portrait-[\w-]+\.jpg$/);
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
    await card('succeeded').locator('.before').waitFor(); // the photo to compare with survived too
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
    await dropPortrait();
    await card('held').waitFor();
    assert.match(await page.locator('.state').textContent(), /^Waiting for the server…/);
    assert.equal(await page.locator('.explain').textContent(),
      'Too many photos in a short time. It goes on in 1 seconds.');
    await card('succeeded').waitFor();
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
      assert.match(await card('failed').locator('.more p').textContent(), /^Request \S+/);
      await shot(`refused-${name}`);
    });
  }

  it('a HEIC photo is refused by this browser, whatever type it is given', async () => {
    for (const type of ['image/heic', '']) {
      await drop('IMG_0001.HEIC', type, '\0\0\0\x18ftypheic\0\0\0\0');
      await card('failed').waitFor();
      assert.equal(await card('failed').locator('.explain').textContent(),
        'This browser can’t open HEIC files. Save the photo as JPEG and choose that.');
      assert.ok(await page.locator('.retry').isHidden());
      await page.locator('.card .remove').click();
    }
  });

  it('a file that is too large is refused in words, with its size and the limit', async () => {
    await drop('notes.txt', 'text/plain', 'x'.repeat(6 * 1024 * 1024));
    await card('failed').waitFor();
    assert.match(await page.locator('.explain').textContent(),
      /^The file is too large: 6 MiB, the limit is 5 MiB\./);
  });

  it('a film is called a film, and "try again" is not offered where it can’t help', async () => {
    await drop('holiday.mov', 'video/quicktime', 'x'.repeat(6 * 1024 * 1024));
    await card('failed').waitFor();
    assert.equal(await page.locator('.explain').textContent(), 'This is a film or a sound, not a photo. Choose a photo.');
    assert.ok(await page.locator('.retry').isHidden());
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
      await page.locator('.card .remove').click();
      await page.unroute('**/v1/jobs');
    }
    excuse.complaints(); // about the status 500
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
      excuse.cuts();
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
    assert.equal(await page.locator('#styles input:checked').inputValue(), 'default');
    const { styles } = await (await fetch(`${server.url}v1/styles`)).json();
    const { model } = styles.find((style) => style.default);
    const values = await page.locator('#styles input').evaluateAll((all) => all.map((input) => input.value));
    assert.ok(!values.includes(model), 'each style is there once');
    assert.equal(await page.locator('#styles label').count(), values.length);
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
    await visit({ locale: 'zh-CN' });
    assert.equal(await page.locator('h1').textContent(), '把照片画成动漫');
  });

  it('uses a phone: nothing is wider than the screen, the camera is offered', async () => {
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
        return focused.id || focused.name || focused.className || focused.textContent;
      }));
    }
    for (const control of ['picker', 'style', 'strength', 'faces', 'forget']) assert.ok(reached.has(control), control);
    await card('succeeded').getByRole('slider', { name: /Compare portrait\.jpg/ }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Download: portrait.jpg' }).isVisible());
  });

  it('keeps the focus where a button goes away', async () => {
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await page.route('**/v1/jobs', () => {}); // never answered
    await dropPortrait();
    await page.getByRole('progressbar', { name: 'Progress of portrait.jpg' }).waitFor();
    await page.locator('.cancel').press('Enter');
    await card('cancelled').waitFor();
    assert.match(await focused(), /^card/);
    await page.locator('.card .remove').press('Enter');
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
      await page.locator('#remove-selected').click();
    }
  });

  it('finds no fault with axe: empty, painted, in the viewer', async () => {
    const faults = async () => {
      await page.evaluate(axe.source.replace(/^/, ''));
      const { violations } = await page.evaluate(() => window.axe.run());
      return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
    };
    await context.close();
    await visit({ bypassCSP: true });
    assert.deepEqual(await faults(), []);
    await choose(photos(1, 2));
    await page.waitForFunction(() => document.querySelectorAll('.card[data-state="succeeded"]').length === 2);
    assert.deepEqual(await faults(), []);
    await page.locator('.card .open').first().click();
    await page.locator('#viewer .over[src]').waitFor();
    assert.deepEqual(await faults(), []);
  });

  it('hears what the strength slider is and how strong it is', async () => {
    const strength = page.getByRole('slider', { name: 'Strength', exact: true });
    await strength.focus();
    await page.keyboard.press('ArrowLeft');
    assert.equal(await strength.getAttribute('aria-valuetext'), '95%');
  });

  it('finds the settings again after a reload', async () => {
    await page.locator('#strength').fill('0.6');
    await page.locator('#faces').uncheck();
    const [, second] = await page.locator('#styles input').all();
    await second.check();
    const style = await second.inputValue();
    await page.reload();
    await page.locator('#styles input').first().waitFor({ state: 'attached' });
    assert.equal(await page.locator('#strength').inputValue(), '0.6');
    assert.equal(await page.locator('#strength-value').textContent(), '60%');
    assert.ok(!(await page.locator('#faces').isChecked()));
    assert.equal(await page.locator('#styles input:checked').inputValue(), style);
  });

  it('works in the dark', async () => {
    await visit({ colorScheme: 'dark' });
    const ink = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ink, 'rgb(15, 24, 34)');
    await dropPortrait();
    await card('succeeded').waitFor();
    await shot('dark');
  });
});
