// SPDX-License-Identifier: LGPL-2.1-or-later
// One photo on the page: what its card shows in each state. Knows nothing of the network.

import { showCompare, labelCompare } from './compare.js';
import { t, formatBytes } from './i18n.js';
import { sentenceOf } from './words.js';

/** For answers without a code of the server's: from something in front of it. */
const sentenceOfStatus = {
  408: 'body-slow', 413: 'too-large', 429: 'rate', 502: 'unavailable', 503: 'unavailable', 504: 'deadline',
};

function sentenceFor({ code, status, detail, actual }) {
  const known = sentenceOf(code);
  if (known === 'size-bytes' && actual === undefined) return 'too-large';
  if (known) return known;
  if (detail) return 'other';
  return sentenceOfStatus[status] ?? (status ? 'status' : 'page');
}

/** The sentence for a problem, in words and with what to do. Also for an Error, which is one of this page's own. */
export function explain(problem) {
  return t(`error.${sentenceFor(problem)}`, {
    limit: formatBytes(problem.limit ?? 0),
    actual: formatBytes(problem.actual ?? 0),
    seconds: problem.retryAfter ?? 5,
    type: problem.type,
    status: problem.status,
    detail: problem.detail ? `${problem.detail} ${problem.remedy ?? ''}`.trim() : problem.message,
  });
}

export class Card {
  /** `act` has cancel, retry, remove: what the buttons do. */
  constructor(name, act) {
    this.name = name;
    this.urls = [];
    this.element = document.getElementById('card').content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.element.querySelector(selector);
    this.find('.name').textContent = name;
    for (const verb of ['cancel', 'retry', 'remove']) this.find(`.${verb}`).onclick = act[verb];
    this.show('waiting');
  }

  urlOf(blob) {
    const url = URL.createObjectURL(blob);
    this.urls.push(url);
    return url;
  }

  preview(blob) {
    if (!blob) return;
    this.before = this.urlOf(blob);
    this.find('.preview').src = this.before;
  }

  /**
   * state: waiting, preparing, uploading, held (the server said "later"), queued, running, succeeded, failed,
   * cancelled.
   */
  show(state, details = {}) {
    this.state = state;
    this.details = details;
    const active = !['succeeded', 'failed', 'cancelled'].includes(state);
    const { classList } = this.element;
    classList.toggle('active', active);
    classList.toggle('done', state === 'succeeded');
    classList.toggle('failed', state === 'failed');
    this.element.dataset.state = state;

    const focused = document.activeElement;
    const progress = this.find('progress');
    progress.hidden = !active;
    if (details.progress === undefined) progress.removeAttribute('value');
    else progress.value = details.progress;

    this.find('.cancel').hidden = !active;
    this.find('.remove').hidden = active;
    this.find('.retry').hidden = !details.retryable;
    // Not to another button: a key that is pressed twice would press it.
    if (this.element.contains(focused) && focused.hidden) this.element.focus();
    this.translate();
  }

  /** The finished picture. `facts` is a list of sentences. */
  finish(blob, facts) {
    const url = this.urlOf(blob);
    const download = this.find('.download');
    download.href = url;
    download.download = `${this.name.replace(/\.[^.]*$/, '')}-anime.${blob.type === 'image/jpeg' ? 'jpg' : blob.type.split('/')[1]}`;
    download.hidden = false;
    this.find('.waiting').hidden = true;
    showCompare(this.find('.compare'), this.before, url, this.name);
    this.show('succeeded', { facts });
  }

  stateText() {
    const { state, details } = this;
    if (state === 'uploading') return t('uploading', { percent: Math.round(100 * (details.progress ?? 0)) });
    if (state === 'queued') return details.ahead > 0 ? t('queued', { ahead: details.ahead }) : t('queuedNext');
    if (state === 'running') return t(`stage.${details.stage}`);
    return t(state);
  }

  translate() {
    this.find('.state').textContent = this.stateText();
    const { problem, facts } = this.details;
    const explanation = this.find('.explain');
    explanation.hidden = !problem;
    if (problem) explanation.textContent = explain(problem);
    this.find('.facts').textContent = (problem?.request_id ? [t('request', { id: problem.request_id })]
      : (facts?.() ?? [])).join(' · ');
    for (const verb of ['cancel', 'retry', 'remove', 'download']) this.find(`.${verb}`).textContent = t(verb);
    for (const verb of ['cancel', 'retry', 'remove', 'download']) {
      this.find(`.${verb}`).setAttribute('aria-label', `${t(verb)}: ${this.name}`);
    }
    this.find('progress').setAttribute('aria-label', t('progress', { name: this.name }));
    if (!this.find('.compare').hidden) labelCompare(this.find('.compare'), this.name);
  }

  discard() {
    this.element.remove();
    for (const url of this.urls) URL.revokeObjectURL(url);
  }
}
