// SPDX-License-Identifier: LGPL-2.1-or-later
// The way of one photo: made ready, sent, followed, shown; again where the server said "later".

import * as api from './api.js';
import { Card, explain } from './card.js';
import { formatBytes, t } from './i18n.js';
import { fitToLimits, previewOf, Undecodable } from './shrink.js';
import * as store from './store.js';

const laterStatuses = [429, 502, 503];
const expired = ['job-not-found', 'result-expired'];

export class Photo {
  /**
   * @param {Object} record as in store.js
   * @param {{limits: Object, announce: function(string), silence: function(boolean), enqueue: function(Photo),
   *   withdraw: function(Photo), gone: function(Photo)}} page
   */
  constructor(record, page) {
    this.record = record;
    this.file = record.file ?? null; // null when only its job was found again after a reload
    this.page = page;
    this.resumes = false; // the next try goes on with the same job, or the same key
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
    const { record } = this;
    this.card.show('preparing');
    if (!record.preview) {
      record.preview = await previewOf(this.file);
      this.card.preview(record.preview);
    }
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
      key: record.key,
      onProgress: (progress) => this.card.show('uploading', { progress }),
      signal: this.abort.signal,
    }));
    Object.assign(record, { job: job.id, file: null });
    await store.save(record);
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
    else throw new api.Problem({ code: 'internal', ...job.error, ended: true });
  }

  showJob(job) {
    if (job.state === 'queued') this.card.show('queued', { ahead: job.position - 1 });
    else if (job.state === 'running') this.card.show('running', job);
  }

  async succeed(job) {
    const picture = await this.untilTaken(() => api.fetchResult(this.record.job));
    this.record.done = true;
    store.save(this.record);
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
    if (this.record.done && expired.includes(error.code)) {
      this.remove(); // it was shown, and the server has forgotten it since
      return;
    }
    const problem = error instanceof Undecodable ? { code: 'undecodable', type: error.type } : error;
    this.resumes = api.passes(problem);
    this.card.show('failed', { problem, retryable: this.resumes || this.file !== null });
    this.page.announce(`${this.record.name}: ${explain(problem)}`);
    // What failed for good is not looked for again after a reload.
    if (!this.resumes) store.forget(this.record.key);
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
  }

  retry() {
    // A new key where the old one belongs to a job that failed.
    if (!this.resumes) Object.assign(this.record, { key: store.newKey(), job: null, file: this.file });
    this.abort = new AbortController();
    this.card.show('waiting');
    this.page.enqueue(this);
  }

  remove() {
    store.forget(this.record.key);
    this.page.gone(this);
    this.card.discard();
  }
}
