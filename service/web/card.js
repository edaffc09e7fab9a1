// SPDX-License-Identifier: LGPL-2.1-or-later
// One photo in the grid: what its card shows in each state. Knows nothing of the network.

import { labelCompare, wireCompare } from './compare.js';
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

const final = ['succeeded', 'failed', 'cancelled', 'expired'];
const verbs = ['cancel', 'retry', 'remove', 'download', 'view'];

export class Card {
  /** `act` has cancel, retry, remove, download, open and select(boolean): what the controls do. */
  constructor(name, act) {
    this.name = name;
    this.styleName = () => '';
    this.details = {};
    this.element = document.getElementById('card').content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.element.querySelector(selector);
    this.find('.name').textContent = name;
    this.find('.name').title = name;
    for (const verb of ['cancel', 'retry', 'remove', 'download']) this.find(`.${verb}`).onclick = () => act[verb]();
    for (const opener of ['.open', '.view']) this.find(opener).onclick = act.open;
    this.find('.pick-card input').onchange = (event) => act.select(event.target.checked);
    this.large = [];
    wireCompare(this.find('.compare'));
    this.show('waiting');
  }

  /** `name()` is the style's name in the language in use. */
  style(name) {
    this.styleName = name;
    this.translate();
  }

  thumb(blob) {
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(blob);
    this.find('.thumb').src = this.url;
  }

  /** Shows { photo, painting, strength } (blobs) large under a slider; null: the thumbnail again. */
  async feature(pictures) {
    for (const url of this.large.splice(0)) URL.revokeObjectURL(url);
    const compare = this.find('.compare');
    compare.hidden = !pictures;
    this.element.classList.toggle('featured', Boolean(pictures));
    const show = (selector, blob) => {
      const image = this.find(`.compare ${selector}`);
      image.hidden = !blob;
      if (blob) this.large.push(image.src = URL.createObjectURL(blob));
      else image.removeAttribute('src');
    };
    for (const selector of ['.under', '.before']) show(selector, pictures?.photo);
    show('.after', pictures?.painting);
    for (const part of ['input', '.handle']) compare.querySelector(part).hidden = !pictures?.photo;
    this.blend(pictures?.strength ?? 1);
    labelCompare(compare, this.name);
    await this.find('.compare .after').decode().catch(() => {}); // it has its size
  }

  blend(strength) {
    this.find('.compare .after').style.opacity = strength;
  }

  select(selected) {
    this.find('.pick-card input').checked = selected;
    this.element.classList.toggle('selected', selected);
  }

  get active() { return !final.includes(this.state); }

  /**
   * state: waiting, preparing, uploading, held (the server said "later", or is not there), queued, running, succeeded,
   * failed, cancelled, expired (it was finished, and is nowhere any more).
   */
  show(state, details = {}) {
    this.state = state;
    this.details = details;
    const { active } = this;
    const { classList } = this.element;
    classList.toggle('active', active);
    classList.toggle('done', state === 'succeeded');
    classList.toggle('failed', state === 'failed' || state === 'expired');
    this.element.dataset.state = state;

    const focused = document.activeElement;
    const progress = this.find('progress');
    progress.hidden = !active;
    if (details.progress === undefined) progress.removeAttribute('value');
    else progress.value = details.progress;

    this.find('.cancel').hidden = !active;
    this.find('.remove').hidden = active;
    this.find('.retry').hidden = !details.retryable;
    for (const part of ['.open', '.download', '.view']) this.find(part).hidden = state !== 'succeeded';
    // Not to another button: a key that is pressed twice would press it.
    if (this.element.contains(focused) && focused.hidden) this.element.focus();
    this.translate();
  }

  /** The finished picture. `facts` and `more` give lists of sentences. */
  finish(facts, more) {
    this.show('succeeded', { facts, more });
  }

  stateText() {
    const { state, details } = this;
    if (state === 'uploading') return t('uploading', { percent: Math.round(100 * (details.progress ?? 0)) });
    if (state === 'queued') return details.ahead > 0 ? t('queued', { ahead: details.ahead }) : t('queuedNext');
    if (state === 'running') return t(`stage.${details.stage}`);
    return t(state);
  }

  translate() {
    const { problem, facts, more } = this.details;
    this.find('.state').textContent = [this.stateText(), this.styleName()].filter(Boolean).join(' · ');
    const explanation = this.find('.explain');
    explanation.hidden = !problem;
    if (problem) explanation.textContent = explain(problem);
    this.find('.facts').textContent = (facts?.() ?? []).join(' · ');
    const deeper = [...(more?.() ?? []), ...(problem?.request_id ? [t('request', { id: problem.request_id })] : [])];
    this.find('.more').hidden = deeper.length === 0;
    this.find('.more summary').textContent = t('details');
    this.find('.more p').textContent = deeper.join(' · ');
    for (const verb of verbs) {
      this.find(`.${verb}`).textContent = t(verb);
      this.find(`.${verb}`).setAttribute('aria-label', `${t(verb)}: ${this.name}`);
    }
    this.find('.open').setAttribute('aria-label', t('look', { name: this.name }));
    this.find('.pick-card input').setAttribute('aria-label', t('select', { name: this.name }));
    this.find('.thumb').alt = this.state === 'succeeded' ? `${t('after')}: ${this.name}` : '';
    this.find('progress').setAttribute('aria-label', t('progress', { name: this.name }));
    labelCompare(this.find('.compare'), this.name);
  }

  discard() {
    this.feature(null);
    this.element.remove();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
  }
}
