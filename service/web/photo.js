// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of one photo: made ready, sent, followed, shown; again where the server said "later".

import * as api from './api.js';
import { Card, explain } from './card.js';
import { formatBytes, t } from './i18n.js';
import { fitToLimits, previewOf, Undecodable } from './shrink.js';
import * as store from './store.js';

const laterStatuses = [429, 502, 503];

export class Photo {
  /**
   * @param {Object} record as in store.js
   * @param {?File} file null when the photo was found again after a reload
   * @param {{limits: Object, announce: function(string), silence: function(boolean), gone: function(Photo)}} page
   */
  constructor(record, file, page) {
    this.record = record;
    this.file = file;
    this.page = page;
    this.abort = new AbortController();
    this.underWay = false;
    this.card = new Card(record.name, {
      cancel: () => this.cancel(),
      retry: () => this.retry(),
      remove: () => this.remove(),
    });
    this.card.preview(record.preview);
  }

  /** Runs to the end; never rejects: what goes wrong is shown on the card. */
  async run() {
    this.underWay = true;
    try {
      this.abort.signal.throwIfAborted();
      if (!this.record.job) await this.send();
      await this.watch();
    } catch (error) {
      this.fail(error);
    } finally {
      this.underWay = false;
    }
  }

  async send() {
    this.card.show('preparing');
    if (!this.record.preview) {
      this.record.preview = await previewOf(this.file);
      this.card.preview(this.record.preview);
    }
    const fitted = await fitToLimits(this.file, this.page.limits);
    Object.assign(this.record, { sent: fitted.blob.size, from: fitted.from, to: fitted.to });
    await store.save(this.record);

    const job = await this.untilTaken(() => api.submit(fitted.blob, {
      name: this.record.name,
      options: this.record.options,
      key: this.record.key,
      onProgress: (progress) => this.card.show('uploading', { progress }),
      signal: this.abort.signal,
    }));
    this.record.job = job.id;
    await store.save(this.record);
    this.showJob(job);
  }

  /** Tries again as often as the server says "later", as long as the user lets it. */
  async untilTaken(attempt) {
    for (;;) {
      this.abort.signal.throwIfAborted();
      try {
        return await attempt();
      } catch (problem) {
        if (!laterStatuses.includes(problem.status)) throw problem;
        const seconds = problem.retryAfter ?? 5;
        this.card.show('held', { problem: Object.assign(problem, { retryAfter: seconds }) });
        await api.pause(seconds * 1000, this.abort.signal);
      }
    }
  }

  async watch() {
    const job = await api.follow(this.record.job, {
      onChange: (state) => this.showJob(state),
      onSilence: (silent) => this.page.silence(silent),
      signal: this.abort.signal,
    });
    if (job.state === 'succeeded') await this.succeed(job);
    else if (job.state === 'cancelled') this.cancelled();
    else throw new api.Problem(job.error ?? { code: 'internal' });
  }

  showJob(job) {
    if (job.state === 'queued') this.card.show('queued', { ahead: job.position - 1 });
    else if (job.state === 'running') this.card.show('running', job);
  }

  async succeed(job) {
    const picture = await api.fetchResult(this.record.job);
    const { sent, from, to } = this.record;
    this.card.finish(picture, () => [
      job.result.width && t('size', job.result),
      job.faces > 0 && t('foundFaces', { count: job.faces }),
      job.timings && t('took', { seconds: (job.timings.total / 1000).toFixed(2) }),
      job.cache === 'hit' && t('fromCache'),
      from && t('scaled', { from, to }),
      sent && t('sent', { bytes: formatBytes(sent) }),
    ].filter(Boolean));
    this.page.announce(`${this.record.name}: ${t('succeeded')}`);
  }

  fail(error) {
    if (error.name === 'AbortError') {
      this.cancelled();
      return;
    }
    const problem = error instanceof Undecodable ? { code: 'undecodable', type: error.type } : error;
    this.card.show('failed', { problem, retryable: this.file !== null });
    this.page.announce(`${this.record.name}: ${explain(problem)}`);
    // A job that failed is not looked for again after a reload.
    store.forget(this.record.key);
  }

  cancelled() {
    this.card.show('cancelled', { retryable: this.file !== null });
    store.forget(this.record.key);
  }

  async cancel() {
    const { job } = this.record;
    // The job first: once it has ended the stream of its events ends by itself.
    if (job) await api.cancelJob(job).catch(() => {});
    this.abort.abort();
    if (!this.underWay) this.cancelled(); // it waits for its turn in this page
  }

  retry() {
    // A new key: the old one belongs to the job that failed.
    Object.assign(this.record, { key: store.newKey(), job: null });
    this.abort = new AbortController();
    this.card.show('waiting');
    this.page.enqueue(this);
  }

  remove() {
    store.forget(this.record.key);
    this.card.discard();
    this.page.gone(this);
  }
}
