// SPDX-License-Identifier: LGPL-2.1-or-later
// One photo on the page: what its card shows in each state. Knows nothing of the network.

import { showCompare, labelCompare } from './compare.js';
import { t, knowsError, formatBytes } from './i18n.js';

/** The sentence for a problem, in words and with what to do. */
export function explain(problem) {
  const code = knowsError(problem.code) ? problem.code : 'other';
  const isBytes = code === 'size-bytes';
  return t(`error.${code}`, {
    limit: isBytes ? formatBytes(problem.limit ?? 0) : problem.limit,
    actual: isBytes ? formatBytes(problem.actual ?? 0) : problem.actual,
    seconds: problem.retryAfter ?? 5,
    type: problem.type ?? '',
    detail: problem.detail ?? problem.title ?? `HTTP ${problem.status}`,
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

  /** state: waiting, preparing, uploading, queued, running, succeeded, failed, cancelled. */
  show(state, details = {}) {
    this.state = state;
    this.details = details;
    const active = ['waiting', 'preparing', 'uploading', 'queued', 'running'].includes(state);
    const { classList } = this.element;
    classList.toggle('active', active);
    classList.toggle('done', state === 'succeeded');
    classList.toggle('failed', state === 'failed');
    this.element.dataset.state = state;

    const progress = this.find('progress');
    progress.hidden = !active;
    if (details.progress === undefined) progress.removeAttribute('value');
    else progress.value = details.progress;

    this.find('.cancel').hidden = !active;
    this.find('.remove').hidden = active;
    this.find('.retry').hidden = !(state === 'failed' || state === 'cancelled') || !details.retryable;
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
    if (!this.find('.compare').hidden) labelCompare(this.find('.compare'), this.name);
  }

  discard() {
    this.element.remove();
    for (const url of this.urls) URL.revokeObjectURL(url);
  }
}
