// SPDX-License-Identifier: LGPL-2.1-or-later
// One picture in full: photo and painting under a slider, zoomed and moved by wheel, fingers and keys; here strength,
// style and faces of a photo are chosen, and the picture is kept or shared.

import { currentLanguage, t } from './i18n.js';
import { saveAs } from './photo.js';
import { fillSelect } from './styles.js';

const find = (id) => document.getElementById(id);
const most = 8; // times the picture's own pixels

export class Viewer {
  /** `page` has neighbour(photo, step) and say(text). */
  constructor(page) {
    this.page = page;
    this.root = find('viewer');
    this.stage = this.root.querySelector('.viewer-stage');
    this.urls = [];
    this.pointers = new Map();
    this.view = { scale: 1, x: 0, y: 0 };
    this.wire();
  }

  wire() {
    const { root, stage } = this;
    for (const button of root.querySelectorAll('[data-view]')) button.onclick = () => this.act(button.dataset.view);
    root.addEventListener('close', () => this.closed());
    root.addEventListener('keydown', (event) => this.key(event));
    find('viewer-cut').oninput = () => this.cut();
    find('viewer-strength').oninput = (event) => {
      this.photo.setStrength(Number(event.target.value));
      this.blend();
    };
    find('viewer-style').onchange = () => this.repaint();
    find('viewer-faces').onchange = () => this.repaint();
    stage.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 120 : 400)), event.clientX, event.clientY);
    }, { passive: false });
    for (const kind of ['pointerdown', 'pointermove', 'pointerup', 'pointercancel']) {
      stage.addEventListener(kind, (event) => this.pointer(event));
    }
    stage.addEventListener('dblclick', (event) => this.act(this.isFit() ? 'actual' : 'fit', event));
    new ResizeObserver(() => this.root.open && this.isFit() && this.fit()).observe(stage);
  }

  async open(photo) {
    this.photo = photo;
    if (!this.root.open) {
      this.opener = photo.card.element;
      this.root.showModal();
    }
    this.translate();
    await this.load();
  }

  async load() {
    const { photo } = this;
    const pictures = photo.state === 'succeeded' ? await photo.pictures() : null;
    if (photo !== this.photo) return; // gone on meanwhile
    this.release();
    this.root.classList.toggle('empty', !pictures);
    const [under, over, before] = this.stage.querySelectorAll('.pane img');
    if (pictures) {
      over.src = this.urlOf(pictures.painting);
      const original = pictures.photo ? this.urlOf(pictures.photo) : '';
      for (const image of [under, before]) {
        image.hidden = !original;
        if (original) image.src = original;
      }
      over.alt = `${t('after')}: ${photo.record.name}`;
      before.alt = `${t('before')}: ${photo.record.name}`;
      await over.decode().catch(() => {});
      if (photo !== this.photo) return; // closed, or gone on meanwhile
      this.size = { width: over.naturalWidth || 1, height: over.naturalHeight || 1 };
      for (const image of [under, over, before]) Object.assign(image.style, { width: `${this.size.width}px`, height: `${this.size.height}px` });
      this.blend();
      this.cut();
      this.fit();
    }
    this.translate();
  }

  urlOf(blob) {
    const url = URL.createObjectURL(blob);
    this.urls.push(url);
    return url;
  }

  release() {
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
  }

  closed() {
    this.release();
    for (const image of this.stage.querySelectorAll('img')) image.removeAttribute('src');
    const back = this.photo?.card.element;
    this.photo = null;
    (back?.isConnected ? back : this.opener)?.focus();
  }

  /** The picture's state changed on its way: shows what there is now. */
  changed(photo) {
    if (photo !== this.photo || !this.root.open) return;
    this.translate();
    if (photo.state === 'succeeded' && photo.picture && this.root.classList.contains('empty')) this.load();
  }

  blend() {
    const strength = this.photo.record.strength ?? 1;
    find('viewer-strength').value = strength;
    find('viewer-strength').setAttribute('aria-valuetext', percent(strength));
    this.stage.querySelector('.over').style.opacity = strength;
  }

  cut() {
    const { value } = find('viewer-cut');
    this.stage.style.setProperty('--cut', `${value}%`);
    find('viewer-cut').setAttribute('aria-valuetext', t('cut', { percent: value }));
  }

  repaint() {
    const options = { style: find('viewer-style').value, faces: String(find('viewer-faces').checked) };
    if (!this.photo.repaint(options)) {
      this.page.say(t('chooseAgain'));
      this.translate();
      return;
    }
    this.root.classList.add('empty');
    this.translate();
  }

  // The view: the picture's pixel (0, 0) lies at (x, y) of the stage, each of its pixels is `scale` wide.
  fitted() {
    const { clientWidth, clientHeight } = this.stage;
    const scale = Math.min(clientWidth / this.size.width, clientHeight / this.size.height, 2);
    return { scale, x: (clientWidth - this.size.width * scale) / 2, y: (clientHeight - this.size.height * scale) / 2 };
  }

  isFit() { return this.size && Math.abs(this.view.scale - this.fitted().scale) < 1e-3; }

  fit() { this.place(this.fitted()); }

  zoom(factor, clientX, clientY) {
    if (!this.size) return;
    const box = this.stage.getBoundingClientRect();
    const at = { x: (clientX ?? box.left + box.width / 2) - box.left, y: (clientY ?? box.top + box.height / 2) - box.top };
    const least = Math.min(this.fitted().scale, 1);
    const scale = Math.min(most, Math.max(least, this.view.scale * factor));
    const by = scale / this.view.scale;
    this.place({ scale, x: at.x - (at.x - this.view.x) * by, y: at.y - (at.y - this.view.y) * by });
  }

  /** Keeps the picture in sight: centred where it is smaller than the stage, else without gaps at its sides. */
  place({ scale, x, y }) {
    const hold = (value, room, size) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, value)));
    this.view = {
      scale,
      x: hold(x, this.stage.clientWidth, this.size.width * scale),
      y: hold(y, this.stage.clientHeight, this.size.height * scale),
    };
    this.stage.style.setProperty('--view', `translate(${this.view.x}px, ${this.view.y}px) scale(${scale})`);
    this.stage.classList.toggle('pixels', scale >= 3);
  }

  pointer(event) {
    if (event.target.closest('button')) return;
    const known = this.pointers.get(event.pointerId);
    if (event.type === 'pointerdown') {
      if (event.button !== 0) return;
      this.stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      this.drags = this.pointers.size === 1 && (this.isFit() || this.nearCut(event)) ? 'cut' : 'view';
      if (this.drags === 'cut' && event.pointerType === 'mouse') this.moveCut(event);
      return;
    }
    if (!known) return;
    if (event.type !== 'pointermove') {
      this.pointers.delete(event.pointerId);
      return;
    }
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length > 0) {
      const [other] = others;
      const distance = (at) => Math.hypot(at.x - other.x, at.y - other.y) || 1;
      this.zoom(distance({ x: event.clientX, y: event.clientY }) / distance(known), (event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
    } else if (this.drags === 'cut') this.moveCut(event);
    else this.place({ ...this.view, x: this.view.x + event.clientX - known.x, y: this.view.y + event.clientY - known.y });
    Object.assign(known, { x: event.clientX, y: event.clientY });
  }

  nearCut(event) {
    const box = this.stage.getBoundingClientRect();
    return Math.abs(event.clientX - box.left - (box.width * find('viewer-cut').value) / 100) < 28;
  }

  moveCut(event) {
    const box = this.stage.getBoundingClientRect();
    find('viewer-cut').value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
    this.cut();
  }

  key(event) {
    // Fields keep their own keys.
    if (event.target.matches('input, select') || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 60;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    const acts = { '+': 'closer', '=': 'closer', '-': 'farther', 0: 'fit', 1: 'actual', PageUp: 'previous', PageDown: 'next' };
    if (moves[event.key] && this.size) {
      if (this.isFit() && event.key.match(/Left|Right/)) this.act(event.key === 'ArrowLeft' ? 'previous' : 'next');
      else this.place({ ...this.view, x: this.view.x + moves[event.key][0], y: this.view.y + moves[event.key][1] });
    } else if (acts[event.key]) this.act(acts[event.key]);
    else return;
    event.preventDefault();
  }

  async act(what, at) {
    const type = find('viewer-format').value;
    if (what === 'close') this.root.close();
    else if (what === 'fit' && this.size) this.fit();
    else if (what === 'actual' && this.size) this.zoom(1 / this.view.scale, at?.clientX, at?.clientY);
    else if (what === 'closer') this.zoom(1.4);
    else if (what === 'farther') this.zoom(1 / 1.4);
    else if (what === 'previous' || what === 'next') {
      const other = this.page.neighbour(this.photo, what === 'next' ? 1 : -1);
      if (other) await this.open(other);
    } else if (what === 'download') await this.photo.download(type);
    else if (what === 'copy') await this.copy();
    else if (what === 'share') await this.share(type);
  }

  async copy() {
    // The browser wants the promise at once, in the click; PNG is the only type that all take.
    const picture = this.photo.output('image/png').then(({ blob }) => blob);
    try {
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
      this.page.say(t('copied'));
    } catch {
      this.page.say(t('notCopied'));
    }
  }

  async share(type) {
    const output = await this.photo.output(type);
    const file = new File([output.blob], output.name, { type: output.blob.type });
    try {
      await navigator.share({ files: [file], title: output.name });
    } catch (error) {
      if (error.name !== 'AbortError') saveAs(output.blob, output.name); // it can't be shared here: at least kept
    }
  }

  translate() {
    if (!this.photo) return;
    const { record, card } = this.photo;
    const word = (name) => t(`viewer.${name}`);
    find('viewer-name').textContent = record.name;
    for (const button of this.root.querySelectorAll('[data-view]')) {
      const label = word(button.dataset.view);
      button.setAttribute('aria-label', label);
      button.title = label;
      if (!['closer', 'farther', 'previous', 'next'].includes(button.dataset.view)) button.textContent = label;
    }
    for (const span of this.root.querySelectorAll('[data-view-word]')) span.textContent = t(span.dataset.viewWord);
    this.stage.querySelector('.tag-before').textContent = t('before');
    this.stage.querySelector('.tag-after').textContent = t('after');
    const empty = this.root.classList.contains('empty');
    this.stage.querySelector('.viewer-state').textContent = empty ? card.stateText() : '';
    fillSelect(find('viewer-style'), record.options.style);
    find('viewer-faces').checked = record.options.faces !== 'false';
    this.root.querySelector('[data-view="previous"]').hidden = !this.page.neighbour(this.photo, -1);
    this.root.querySelector('[data-view="next"]').hidden = !this.page.neighbour(this.photo, 1);
    this.root.querySelector('[data-view="copy"]').hidden = typeof ClipboardItem === 'undefined' || !navigator.clipboard;
    this.root.querySelector('[data-view="share"]').hidden = !navigator.share;
    if (this.size) this.cut();
  }
}

const percent = (share) => new Intl.NumberFormat(currentLanguage(), { style: 'percent' }).format(share);
