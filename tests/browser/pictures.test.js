// SPDX-License-Identifier: LGPL-2.1-or-later
// Many pictures, the viewer, repainting, keeping and sharing, and the page while the server is away.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { card, choose, context, dropPortrait, eventually, excuse, featured, keysSent, noisePhoto, openViewer, page,
  painted, photos, portrait, remembered, server, shot, still, useBrowser, visit } from './fixture.js';
import { patience } from './server.js';

useBrowser();

/** The mean colour of a picture in the page, [red, green, blue]. */
const meanOf = (selector) => page.locator(selector).first().evaluate(async (image) => {
  await image.decode();
  const canvas = new OffscreenCanvas(1, 1);
  const context2d = canvas.getContext('2d');
  context2d.imageSmoothingQuality = 'high';
  const half = await createImageBitmap(image, { resizeWidth: 1, resizeHeight: 1, resizeQuality: 'high' });
  context2d.drawImage(half, 0, 0);
  return [...context2d.getImageData(0, 0, 1, 1).data].slice(0, 3);
});

async function downloaded(act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()]);
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

/** How many pixels of the screen one of the picture takes in the viewer. */
const scale = () => page.locator('.viewer-stage').evaluate((stage) =>
  Number(/scale\(([\d.]+)\)/.exec(stage.style.getPropertyValue('--view'))[1]));

/** That of a picture that is seen whole: these are not enlarged more than twice. */
const fittingScale = () => page.locator('.viewer-stage').evaluate((stage) => {
  const { naturalWidth, naturalHeight } = stage.querySelector('.over');
  return Math.min(stage.clientWidth / naturalWidth, stage.clientHeight / naturalHeight, 2);
});

const isNear = (value, right) => assert.ok(Math.abs(value - right) < 1e-6, `${value}, not ${right}`);

describe('a server that goes away', () => {
  it('loses no photo: eight wait, go on by themselves when it is back, and are painted once each', async () => {
    const sent = keysSent();
    excuse.cuts();
    await context.setOffline(true);
    await choose(photos(1, 2, 3, 4, 5, 6, 7, 8));
    await page.locator('#offline').waitFor();
    assert.equal(await card('failed').count(), 0);
    await card('held').first().waitFor();
    assert.match(await card('held').first().locator('.explain').textContent(), /sent as soon as it does/);
    await context.setOffline(false);
    await painted(8);
    await page.locator('#offline').waitFor({ state: 'hidden' });
    assert.equal(new Set(sent).size, 8);
  });

  it('is said by the page even when it is opened anew, with the pictures that the browser keeps', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.reload(); // the worker keeps the page from here on
    await card('succeeded').waitFor();
    excuse.cuts();
    await context.setOffline(true);
    await page.reload();
    await page.locator('#offline').waitFor();
    await card('succeeded').waitFor();
    assert.equal(await page.locator('.card .name').textContent(), 'portrait.jpg');
    await context.setOffline(false);
  });
});

describe('many photos', () => {
  it('are a grid, are selected, downloaded as a ZIP and removed, which can be undone', async () => {
    await choose(photos(1, 2, 3));
    await painted(3);
    await page.getByRole('checkbox', { name: 'Select photo-2.jpg' }).check();
    await page.getByRole('checkbox', { name: 'Select photo-3.jpg' }).check();
    await shot('selected');
    const { name, bytes } = await downloaded(() => page.locator('#zip').click());
    assert.equal(name, 'anime.zip');
    const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
    assert.equal(bytes.readUInt16LE(end + 10), 2, 'entries');
    assert.match(bytes.toString('latin1'), /photo-2-[\w-]+\.jpg/);

    await page.locator('#remove-selected').click();
    await page.locator('#toast button').click();
    await eventually(async () => assert.deepEqual(await page.locator('.card .name').allTextContents(),
      [3, 2, 1].map((n) => `photo-${n}.jpg`)));
    await remembered(3, 'done');
  });

  it('may be two hundred: none is dropped, and the page stays responsive', async () => {
    await page.route('**/v1/jobs', () => {}); // never answered: this is about the page
    await page.evaluate(() => {
      window.longest = 0;
      new PerformanceObserver((list) => {
        for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
      }).observe({ entryTypes: ['longtask'] });
    });
    // Files on the disk: handing over 200 buffers would itself keep the page busy.
    const folder = mkdtempSync(join(tmpdir(), 'anime-photos-'));
    const files = Array.from({ length: 200 }, (_, n) => join(folder, `photo-${n}.jpg`));
    for (const file of files) copyFileSync(portrait, file);
    await choose(files);
    await eventually(async () => assert.equal(await page.locator('.card .thumb[src]').count(), 200), 5 * patience);
    assert.equal(await page.locator('.card').count(), 200);
    console.log(`longest task with 200 photos: ${Math.round(await page.evaluate(() => window.longest))} ms`);
  });

  it('can be painted again in another style, all at once, without being chosen again', async () => {
    const sent = keysSent();
    await choose(photos(1, 2));
    await painted(2);
    const [, second] = await page.locator('#styles input').all();
    await second.check();
    await page.locator('#repaint-all').click();
    const style = await second.evaluate((input) => input.parentElement.textContent);
    await eventually(async () => assert.deepEqual(await page.locator('.card .state').allTextContents(), Array(2).fill(`Done · ${style}`)));
    assert.deepEqual([sent.length, new Set(sent).size], [4, 4], 'each was painted twice');
  });
});

describe('the ZIP', () => {
  it('is one that other programs read', async () => {
    const bytes = await page.evaluate(async () => {
      const { zip } = await import('/zip.js');
      async function* files() {
        yield { name: '照片.txt', blob: new Blob(['one']) };
        yield { name: '照片.txt', blob: new Blob(['two, longer']) };
      }
      return [...new Uint8Array(await (await zip(files())).arrayBuffer())];
    });
    const file = join(mkdtempSync(join(tmpdir(), 'anime-zip-')), 'a.zip');
    writeFileSync(file, Buffer.from(bytes));
    const read = execFileSync('python3', ['-c', `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print([(i.filename, z.read(i).decode()) for i in z.infolist()])`, file], { encoding: 'utf8' });
    assert.equal(read.trim(), "[('照片.txt', 'one'), ('照片 (2).txt', 'two, longer')]");
  });
});

describe('the viewer', () => {
  it('zooms and moves by wheel and keys, goes to the next picture, and gives the focus back', async () => {
    await choose(photos(1, 2));
    await painted(2);
    await openViewer();
    const whole = () => eventually(async () => isNear(await scale(), await fittingScale()));
    await whole();
    await page.mouse.move(600, 400);
    await page.mouse.wheel(0, -400);
    await eventually(async () => assert.ok((await scale()) > 1.5 * (await fittingScale()), `${await scale()}`));
    await page.keyboard.press('1');
    await eventually(async () => isNear(await scale(), 1));
    await page.keyboard.press('0');
    await whole();
    assert.equal(await page.locator('#viewer-name').textContent(), 'photo-2.jpg');
    await page.keyboard.press('PageDown');
    await eventually(async () => assert.equal(await page.locator('#viewer-name').textContent(), 'photo-1.jpg'));
    await page.keyboard.press('Escape');
    await page.locator('#viewer').waitFor({ state: 'hidden' });
    // A dialog's close event comes after it has gone, and after the browser gave the focus to what opened it.
    await eventually(async () => assert.equal(await page.evaluate(() =>
      document.activeElement.querySelector(':scope.card .name')?.textContent), 'photo-1.jpg'));
  });

  it('can be closed while its picture is still decoded', async () => {
    await dropPortrait();
    await featured();
    await page.evaluate(() => {
      const { decode } = HTMLImageElement.prototype;
      const closed = new Promise((done) => { window.release = done; });
      HTMLImageElement.prototype.decode = async function late() {
        window.decoding = true;
        await closed;
        return decode.call(this);
      };
    });
    await page.locator('.card.featured .view').click();
    await page.waitForFunction(() => window.decoding);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement.matches('.card'));
    await page.evaluate(() => window.release());
    await openViewer();
    await eventually(async () => isNear(await scale(), await fittingScale()));
  });

  it('compares by a slider that says how much is photo, with keys', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    await openViewer();
    const slider = page.getByRole('slider', { name: 'Photo or anime' });
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await eventually(async () => assert.equal(await slider.getAttribute('aria-valuetext'), '51 % photo'));
    assert.equal(await page.locator('.viewer-stage').evaluate((stage) => stage.style.getPropertyValue('--cut')), '51%');
  });

  it('mixes photo and painting at once, and what is downloaded is what is seen', async () => {
    const sent = keysSent();
    await dropPortrait();
    await card('succeeded').waitFor();
    await openViewer();
    await page.locator('#viewer-strength').fill('0');
    assert.equal(await page.locator('#viewer .over').evaluate((image) => image.style.opacity), '0');
    for (const [format, ending, magic] of [['image/png', 'png', 0x89504e47], ['image/webp', 'webp', 0x52494646], ['image/jpeg', 'jpg', 0]]) {
      await page.locator('#viewer-format').selectOption(format);
      const { name, bytes } = await downloaded(() => page.locator('[data-view="download"]').click());
      assert.match(name, new RegExp(`^portrait-[\\w-]+-0\\.${ending}$`));
      if (magic) assert.equal(bytes.readUInt32BE(0), magic);
      const mean = await page.evaluate(async (base64) => {
        const raw = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([raw]), { resizeWidth: 1, resizeHeight: 1, resizeQuality: 'high' });
        const context2d = new OffscreenCanvas(1, 1).getContext('2d');
        context2d.drawImage(bitmap, 0, 0);
        return [...context2d.getImageData(0, 0, 1, 1).data].slice(0, 3);
      }, bytes.toString('base64'));
      const photo = await meanOf('#viewer .photo img');
      for (const channel of [0, 1, 2]) assert.ok(Math.abs(mean[channel] - photo[channel]) <= 3, `${format}: ${mean} against the photo's ${photo}`);
    }
    assert.equal(sent.length, 1, 'nothing was painted again for it');
  });

  it('paints the photo in another style, and back at once', async () => {
    const sent = keysSent();
    await dropPortrait();
    await card('succeeded').waitFor();
    await openViewer();
    const [first, second] = await page.locator('#viewer-style option').evaluateAll((all) => all.map((option) => option.value));
    const before = sent.length;
    await page.locator('#viewer-style').selectOption(second);
    await page.locator('#viewer:not(.empty)').waitFor();
    await card('succeeded').waitFor({ state: 'attached' });
    assert.ok(sent.length > before);
    const after = sent.length;
    await page.locator('#viewer-style').selectOption(first);
    await card('succeeded').waitFor({ state: 'attached' });
    await page.locator('#viewer:not(.empty)').waitFor();
    assert.equal(sent.length, after, 'the first painting was kept');
  });
});

describe('keeping and sharing', () => {
  it('copies the picture as a PNG', async () => {
    await visit({ permissions: ['clipboard-read', 'clipboard-write'] });
    await dropPortrait();
    await card('succeeded').waitFor();
    await openViewer();
    await page.locator('[data-view="copy"]').click();
    await eventually(async () => assert.equal(await page.locator('#toast span').textContent(), 'Copied'));
    const size = await page.evaluate(async () => {
      const [item] = await navigator.clipboard.read();
      const bitmap = await createImageBitmap(await item.getType('image/png'));
      return [bitmap.width, bitmap.height];
    });
    assert.deepEqual(size, [512, 600]);
  });

  it('hands the picture, named after its style, to the phone’s share sheet', async () => {
    await visit({}, () => page.addInitScript(() => {
      navigator.share = async ({ files }) => { window.shared = files.map((file) => [file.name, file.type, file.size > 10000]); };
    }));
    await dropPortrait();
    await card('succeeded').waitFor();
    await openViewer();
    await page.locator('[data-view="share"]').click();
    await page.waitForFunction(() => window.shared);
    const [[name, type, large]] = await page.evaluate(() => window.shared);
    assert.match(name, /^portrait-[\w-]+\.jpg$/);
    assert.deepEqual([type, large], ['image/jpeg', true]);
  });
});

describe('a picture', () => {
  it('is kept in the browser within a bound that the page shows, and can be forgotten', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    await eventually(async () => assert.match(await page.locator('#kept').textContent(), /Kept in this browser: 1 pictures, \d+ KiB of 200 MiB/));
    const bytes = await page.evaluate(async () => {
      const store = await import('/store.js');
      const twelve = new Blob([new Uint8Array(12 * 1024 * 1024)]);
      for (let n = 0; n < 20; n += 1) await store.savePainting(`k${n}`, 'v', twelve, {});
      return [store.kept().bytes, Boolean(await store.loadPainting('k0', 'v')), Boolean(await store.loadPainting('k19', 'v'))];
    });
    assert.ok(bytes[0] <= 200 * 1024 * 1024);
    assert.deepEqual(bytes.slice(1), [false, true], 'the longest kept made room');
  });

  it('comes from the browser after a reload, when the server has forgotten it', async () => {
    await dropPortrait();
    await card('succeeded').waitFor();
    await remembered(1, 'done');
    await page.route(/v1.jobs../, (route) => route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{"code": "job-not-found"}' }));
    await page.reload();
    await card('succeeded').waitFor();
    await card('succeeded').locator('.compare .after').waitFor();
  });

  it('is sent as it is where the limits allow it, also as a PNG', async () => {
    const large = Buffer.from(await noisePhoto(1000, 1000), 'base64');
    assert.ok(large.length > 1024 * 1024 && large.length < 5 * 1024 * 1024, String(large.length));
    for (const [name, mimeType, buffer] of [['grain.jpg', 'image/jpeg', large], ['icon.png', 'image/png', readFileSync(new URL('../../service/web/icon-512.png', import.meta.url))]]) {
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === 'POST' && response.url().endsWith('/v1/jobs') &&
          !response.request().headers()['idempotency-key'].startsWith('thumbnail-')),
        choose([{ name, mimeType, buffer }]),
      ]);
      assert.equal((await answer.json()).file.bytes, buffer.length);
      await eventually(async () => assert.ok((await card('succeeded').locator('.name').allTextContents()).includes(name), name));
    }
    for (const facts of await page.locator('.card .facts').allTextContents()) assert.doesNotMatch(facts, /scaled/);
  });

  it('can be the sample, for who has no photo at hand', async () => {
    await page.locator('#try-sample').click();
    await card('succeeded').waitFor();
    assert.equal(await page.locator('.card .name').textContent(), 'sample.jpg');
  });
});

describe('a phone', () => {
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

  it('brings what happens into view after choosing, and speaks of no dropping', async () => {
    await visit(phone);
    assert.equal(await page.locator('#drop-title').innerText(), 'Choose photos or take one');
    await choose(photos(1));
    await card('succeeded').waitFor();
    await eventually(async () => {
      const { y } = await page.locator('.card').boundingBox();
      assert.ok(y >= 0 && y < 844 / 3, `the card is at ${y}`);
    });
  });

  it('of 320 pixels has room for everything, also in the viewer', async () => {
    await visit({ ...phone, viewport: { width: 320, height: 640 } });
    // What reaches beyond the screen, by name, so that a failure tells what it was.
    const tooWide = () => page.evaluate(() => [
      ...(document.documentElement.scrollWidth > innerWidth ? [`the page: ${document.documentElement.scrollWidth}`] : []),
      ...[...document.querySelectorAll('button, input, select, label')]
        .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.style-list'))
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => `${one.outerHTML.slice(0, 120)}: ${one.getBoundingClientRect().right}`)]);
    assert.deepEqual(await tooWide(), []);
    await page.locator('[data-lang=zh]').click();
    assert.deepEqual(await tooWide(), []);
    await page.locator('[data-lang=en]').click();
    await choose(photos(1, 2));
    await painted(2);
    await page.locator('#zip').waitFor();
    assert.deepEqual(await tooWide(), []);
    await shot('phone-320');
    await openViewer();
    assert.deepEqual(await tooWide(), []);
    await shot('phone-viewer');
  });

  it('scrolls where a finger goes up over the slider, and moves it where the finger goes sideways', async () => {
    await visit(phone);
    await choose(photos(1));
    await featured();
    const cut = () => page.locator('.card .compare').evaluate((one) => one.style.getPropertyValue('--cut'));
    const touches = () => page.evaluate(() => window.touches);
    await page.evaluate(() => {
      window.touches = [];
      for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => window.touches.push(end));
    });
    const swipe = async (dx, dy) => {
      const box = await page.locator('.card .compare').boundingBox();
      const session = await context.newCDPSession(page);
      const at = (n) => ({ x: Math.round(box.x + 80 + dx * n), y: Math.round(box.y + 200 + dy * n) });
      await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at(0)] });
      for (let n = 1; n <= 8; n += 1) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [at(n)] });
      await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    };
    await swipe(0, -15);
    await eventually(async () => assert.deepEqual(await touches(), ['pointercancel'], 'the browser scrolls'));
    assert.equal(await cut(), '50%');
    await still('.card');
    await swipe(15, 0);
    await eventually(async () => assert.deepEqual(await touches(), ['pointercancel', 'pointerup']));
    assert.notEqual(await cut(), '50%');
  });

  it('zooms into the viewer with two fingers', async () => {
    await visit(phone);
    await choose(photos(1));
    await featured();
    await openViewer();
    await eventually(async () => isNear(await scale(), await fittingScale()));
    const before = await scale();
    const box = await page.locator('.viewer-stage').boundingBox();
    const session = await context.newCDPSession(page);
    const fingers = (apart) => [-1, 1].map((side, id) => ({ id, x: Math.round(box.x + box.width / 2 + side * apart), y: Math.round(box.y + box.height / 2) }));
    await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(40) });
    for (let apart = 50; apart <= 120; apart += 10) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(apart) });
    await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await eventually(async () => assert.ok((await scale()) > 1.5 * before, `${await scale()} after ${before}`));
  });

  it('can install the page: the manifest is there with its icons, and a worker', async () => {
    const manifest = await (await fetch(`${server.url}manifest.webmanifest`)).json();
    assert.equal(manifest.display, 'standalone');
    for (const { src } of manifest.icons) assert.equal((await fetch(server.url + src)).status, 200, src);
    assert.ok(await page.evaluate(async () => Boolean((await navigator.serviceWorker.ready).active)));
  });
});

describe('the first visit', () => {
  it('shows the page without a shift, from less than 120 KiB before pictures', async () => {
    await visit();
    await page.waitForLoadState('networkidle');
    const { shift, paint, bytes } = await page.evaluate(() => new Promise((done) => {
      let sum = 0;
      new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; }).observe({ type: 'layout-shift', buffered: true });
      const loaded = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
      setTimeout(() => done({
        shift: sum,
        paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
        bytes: loaded.filter((one) => !/\.(jpg|png)$/.test(one.name)).reduce((all, one) => all + one.decodedBodySize, 0),
      }), 300);
    }));
    console.log(`first paint ${Math.round(paint)} ms, ${Math.round(bytes / 1024)} KiB, layout shift ${shift.toFixed(3)}`);
    assert.ok(bytes > 20000 && bytes <= 120 * 1024, `${bytes} bytes`);
    assert.ok(shift < 0.02, `layout shift ${shift}`);
  });
});
