// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of one photo: made ready, sent, followed, kept; again where the server said "later" or was not there, and
// in another style.

import * as api from './api.js';
import { Card, explain } from './card.js';
import { formatBytes, t } from './i18n.js';
import { fitToLimits, mix, NoPhoto, smaller, Undecodable } from './pixels.js';
import * as store from './store.js';
import { shownName } from './styles.js';

const laterStatuses = [429, 502, 503];
const expired = ['job-not-found', 'result-expired'];
const mostBroken = 5; // connections in a row that broke although the server answers
const thumbSide = 480;
const previewSide = 1600;

export class Photo {
  /**
   * @param {Object} record as in store.js
   * @param {{limits: Object, connection: Connection, announce: function(string), enqueue: function(Photo),
   *   withdraw: function(Photo), removed: function(Photo), changed: function(), grown: function(Photo),
   *   open: function(Photo)}} page
   */
  constructor(record, page) {
    this.record = record;
    this.file = record.file ?? null; // null when it was not kept over a reload
    this.page = page;
    this.abort = new AbortController();
    this.underWay = false;
    this.selected = false;
    this.picture = null; // { facts } of the painting that is shown
    this.featured = null;
    this.card = new Card(record.name, {
      cancel: () => this.cancel(),
      retry: () => this.retry(),
      remove: () => page.removed(this),
      download: () => this.download(),
      open: () => page.open(this),
      select: (selected) => {
        this.selected = selected;
        page.changed();
      },
    });
    this.card.style(shownName(record.options.style));
  }

  get state() { return this.card.state; }

  get active() { return this.card.active; }

  get variant() { return `${this.record.options.style ?? ''}|${this.record.options.faces}`; }

  /** Shows what there is of the photo itself, made small where it was not yet. */
  async introduce() {
    const { record } = this;
    if (!record.thumb && this.file) record.thumb = await smaller(this.file, thumbSide);
    if (record.thumb && !this.picture) this.card.thumb(record.thumb);
  }

  /** After a reload: the picture from this browser or from the server. Never rejects. */
  async restore() {
    const kept = await store.loadPainting(this.record.key, this.variant);
    if (kept) await this.present(kept);
    else if (this.record.job) this.page.enqueue(this);
    else this.card.show('expired', { problem: { code: 'job-not-found' }, retryable: this.file !== null });
  }

  /** Runs to the end; never rejects: what goes wrong is shown on the card. */
  async run() {
    this.underWay = true;
    try {
      this.abort.signal.throwIfAborted();
      const kept = await store.loadPainting(this.record.key, this.variant);
      if (kept) {
        await this.present(kept);
        return;
      }
      if (!this.record.job) await this.send();
      await this.watch();
    } catch (error) {
      this.fail(error);
    } finally {
      this.underWay = false;
      this.page.changed();
    }
  }

  async send() {
    const { record } = this;
    this.card.show('preparing');
    await this.introduce();
    record.preview ??= await smaller(this.file, previewSide);
    if (!record.ready) {
      const { blob, from, to } = await fitToLimits(this.file, this.page.limits);
      // Kept as it is sent: the same key must not come with other bytes, and a browser may encode differently again.
      this.file = blob;
      Object.assign(record, { ready: true, file: blob, sent: blob.size, from, to });
    }
    await store.save(record);

    const job = await this.untilTaken(() => api.submit(this.file, {
      name: record.name,
      options: record.options,
      key: record.sendKey,
      onProgress: (progress) => this.card.show('uploading', { progress }),
      signal: this.abort.signal,
    }));
    record.job = job.id;
    await store.save(record);
    this.showJob(job);
  }

  /** Tries again as often as the server says "later" or is not there, as long as the user lets it. */
  async untilTaken(attempt) {
    const { signal } = this.abort;
    for (let broken = 0; ;) {
      signal.throwIfAborted();
      try {
        return await attempt();
      } catch (problem) {
        if (laterStatuses.includes(problem.status)) {
          const seconds = problem.retryAfter ?? 5;
          this.card.show('held', { problem: Object.assign(problem, { retryAfter: seconds }) });
          await api.pause(seconds * 1000, signal);
        } else if (problem.code === 'network' && broken < mostBroken) {
          this.card.show('held', { problem: { code: 'offline' } });
          const { lost } = await Promise.race([this.page.connection.back(), aborted(signal)]);
          broken = lost ? 0 : broken + 1;
          if (!lost) await api.pause(300 * broken, signal);
        } else throw problem;
      }
    }
  }

  async watch() {
    const job = await api.follow(this.record.job, {
      onChange: (state) => this.showJob(state),
      onSilence: (silent) => silent && this.page.connection.back(),
      signal: this.abort.signal,
    });
    if (job.state === 'cancelled') this.cancelled();
    else if (job.state !== 'succeeded') throw new api.Problem({ code: 'internal', ...job.error, ended: true });
    else {
      const picture = await this.untilTaken(() => api.fetchResult(this.record.job));
      const facts = { width: job.result.width, height: job.result.height, faces: job.faces, took: job.timings?.total,
        hit: job.cache === 'hit', style: job.options?.style ?? this.record.options.style };
      await store.savePainting(this.record.key, this.variant, picture, facts);
      await this.present({ picture, facts });
      this.page.announce(`${this.record.name}: ${t('succeeded')}`);
    }
  }

  showJob(job) {
    if (job.state === 'queued') this.card.show('queued', { ahead: (job.position ?? 1) - 1 });
    else if (job.state === 'running') this.card.show('running', job);
  }

  /** The finished picture on the card, at the photo's strength. */
  async present({ picture, facts }) {
    const { record } = this;
    this.picture = { facts };
    if (!record.done) {
      record.done = true;
      await store.save(record);
    }
    const small = await smaller(picture, thumbSide).catch(() => null);
    this.small = small ?? picture;
    this.card.finish(() => [
      facts.width && t('size', facts),
      facts.faces > 0 && t('foundFaces', { count: facts.faces }),
      record.from && t('scaled', record),
    ].filter(Boolean), () => [
      facts.took !== undefined && t('took', { seconds: (facts.took / 1000).toFixed(2) }),
      facts.hit && t('fromCache'),
      record.sent && t('sent', { bytes: formatBytes(record.sent) }),
    ].filter(Boolean));
    await this.refreshThumb();
    this.page.changed();
  }

  async refreshThumb() {
    if (!this.small) return;
    const { thumb, strength = 1 } = this.record;
    this.card.thumb(await mix(thumb, this.small, { strength: thumb ? strength : 1, type: 'image/jpeg' }));
  }

  /** { photo, painting, strength }: blobs in full size; null where the picture is nowhere any more. */
  async pictures() {
    const kept = await store.loadPainting(this.record.key, this.variant);
    let painting = kept?.picture;
    if (!painting && this.record.job) painting = await api.fetchResult(this.record.job).catch(() => null);
    return painting ? { photo: this.record.preview ?? this.file, painting, strength: this.record.strength ?? 1 } : null;
  }

  /** Alone on the page, the picture is shown large with its slider. */
  async feature(on) {
    const wanted = on && this.state === 'succeeded' ? this.picture : null;
    if (wanted === this.featured) return;
    this.featured = wanted;
    const pictures = wanted ? await this.pictures() : null;
    if (wanted !== this.featured) return;
    await this.card.feature(pictures);
    if (pictures) this.page.grown(this);
  }

  translate() { this.card.translate(); }

  setStrength(strength) {
    this.record.strength = strength;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      store.save(this.record);
      this.refreshThumb();
    }, 200);
    this.card.blend(strength);
  }

  /** As it is seen, in `type`; with the name that tells the style. Null where it is gone. */
  async output(type) {
    const pictures = await this.pictures();
    if (!pictures) return null;
    // Below full strength the photo itself is mixed in, not its preview, where it is still there.
    const blob = await mix(this.file ?? pictures.photo, pictures.painting, { strength: pictures.strength, type: type ?? pictures.painting.type });
    return { blob, name: this.outputName(blob.type, pictures.strength) };
  }

  outputName(type, strength) {
    const { name, options } = this.record;
    const style = (this.picture?.facts.style ?? options.style ?? 'anime').replace(/[^\w-]+/g, '-');
    const share = strength < 1 ? `-${Math.round(100 * strength)}` : '';
    return `${name.replace(/\.[^.]*$/, '') || 'photo'}-${style}${share}.${type === 'image/jpeg' ? 'jpg' : type.split('/')[1]}`;
  }

  async download(type) {
    const output = await this.output(type);
    if (!output) {
      this.card.show('expired', { problem: { code: 'job-not-found' }, retryable: this.file !== null });
      return;
    }
    saveAs(output.blob, output.name);
  }

  /** Paints the same photo with other options, without asking for it again. False where the photo is not here. */
  repaint(options) {
    const { record } = this;
    if (!this.file || this.underWay) return false;
    Object.assign(record, { options: { ...record.options, ...options }, job: null, sendKey: store.newKey(), file: this.file });
    this.picture = this.small = null;
    this.card.style(shownName(record.options.style));
    this.again();
    return true;
  }

  again() {
    this.abort = new AbortController();
    if (this.record.thumb) this.card.thumb(this.record.thumb);
    this.card.show('waiting');
    this.page.enqueue(this);
    this.page.changed();
  }

  fail(error) {
    if (error.name === 'AbortError') {
      this.cancelled();
      return;
    }
    if (this.record.done && expired.includes(error.code)) {
      this.card.show('expired', { problem: error, retryable: this.file !== null });
      return;
    }
    let problem = error;
    if (error instanceof Undecodable) problem = { code: 'undecodable', type: error.type };
    if (error instanceof NoPhoto) problem = { code: 'film' };
    this.resumes = api.passes(problem);
    const mends = this.resumes || (problem.ended && problem.status >= 500) || expired.includes(problem.code);
    this.card.show('failed', { problem, retryable: mends && (this.resumes || this.file !== null) });
    this.page.announce(`${this.record.name}: ${explain(problem)}`);
    // What failed for good is not looked for again after a reload.
    if (!mends) store.forget(this.record.key);
  }

  cancelled() {
    this.resumes = false;
    this.card.show('cancelled', { retryable: this.file !== null });
    store.forget(this.record.key);
  }

  async cancel() {
    const { abort, underWay } = this;
    this.page.withdraw(this);
    // The job first: once it has ended the stream of its events ends by itself.
    if (this.record.job) await api.cancelJob(this.record.job).catch(() => {});
    abort.abort();
    if (!underWay) this.cancelled(); // it waited for its turn in this page
    this.page.changed();
  }

  retry() {
    // A new key where the old one belongs to a job that failed.
    if (!this.resumes) Object.assign(this.record, { sendKey: store.newKey(), job: null, file: this.file });
    this.again();
  }
}

const aborted = (signal) => new Promise((done, fail) => {
  signal.addEventListener('abort', () => fail(new DOMException('aborted', 'AbortError')), { once: true });
});

/** Hands a file to the browser's downloads. */
export function saveAs(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
