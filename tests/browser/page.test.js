// SPDX-License-Identifier: LGPL-2.1-or-later
// What can't be painted, the page itself, and who uses it how.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import axe from 'axe-core';
import { faint } from './contrast.js';
import { card, choose, context, cutOff, drop, dropPortrait, eventually, excuse, featured, openViewer, page, painted,
  photos, portrait, server, shot, useBrowser, visit } from './fixture.js';

useBrowser();

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
    await featured();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await shot('phone-done');
  });

  it('uses the keyboard alone: every control can be reached and has a name', async () => {
    await dropPortrait();
    await featured();
    await page.locator('#forget').waitFor();
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
    const focusComesTo = (pattern) => eventually(async () =>
      assert.match(await page.evaluate(() => document.activeElement.id || document.activeElement.className), pattern));
    await page.route('**/v1/jobs', () => {}); // never answered
    await dropPortrait();
    await page.getByRole('progressbar', { name: 'Progress of portrait.jpg' }).waitFor();
    await page.locator('.cancel').press('Enter');
    await card('cancelled').waitFor();
    await focusComesTo(/^card/);
    await page.locator('.card .remove').press('Enter');
    await focusComesTo(/^drop$/);
  });

  it('can read every text: its contrast is 4.5 or more, in the light and in the dark', async () => {
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await drop('notes.txt', 'text/plain', 'words');
      await dropPortrait();
      await card('failed').waitFor();
      await card('succeeded').waitFor();
      await page.locator('#zip').waitFor();
      await page.locator('#remove-selected').waitFor();
      await eventually(async () => assert.deepEqual(await page.evaluate(() => document.getAnimations()
        .filter((one) => one instanceof CSSTransition).map((one) => one.transitionProperty)), [], 'colours on their way'));
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
    await painted(2);
    await page.locator('#zip').waitFor();
    assert.deepEqual(await faults(), []);
    await openViewer();
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

  it('sees the styles on the first photo, and can choose meanwhile', async () => {
    const chosen = page.locator('#styles input:checked');
    await chosen.focus();
    await chosen.evaluate((input) => { window.focusedFirst = input; });
    await dropPortrait();
    await eventually(async () => assert.deepEqual(await page.locator('#styles img').evaluateAll((all) =>
      all.map((one) => new URL(one.src).protocol).filter((one) => one !== 'blob:')), []));
    assert.ok(await page.evaluate(() => document.activeElement === window.focusedFirst), 'the focus has not moved');
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
