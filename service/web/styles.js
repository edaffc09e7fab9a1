// SPDX-License-Identifier: LGPL-2.1-or-later
// The styles as people choose them: by a picture and a name. Pictures of the sample come with the page; once the
// user has a photo, each style is shown on that.

import * as api from './api.js';
import { t } from './i18n.js';
import { smaller } from './pixels.js';
import { newKey, recall, remember } from './store.js';

const own = new Map(); // style to the URL of the user's first photo in it
let styles = [];

/** Each style once: the default stands for one of the others. */
export function useStyles(all) {
  const standard = all.find((style) => style.default);
  styles = all.filter((style) => style.default || style.name !== standard?.model);
}

export const known = () => styles;
const modelOf = (name) => styles.find((style) => style.name === name)?.model ?? name ?? '';

/** A function that gives the style's name in the language in use. */
export const shownName = (name) => () => {
  const model = modelOf(name);
  const title = t(`styles.${model}`);
  return title === `styles.${model}` ? model.replace(/[-_]+/g, ' ') : title;
};

export function chosenStyle() {
  return document.querySelector('#styles input:checked')?.value;
}

/** The radio buttons, with the one chosen that was chosen before. */
export function showStyles() {
  const before = chosenStyle() ?? recall('gst-anime.style');
  const list = document.getElementById('styles');
  const chosen = styles.some((style) => style.name === before) ? before : styles.find((style) => style.default)?.name;
  list.replaceChildren(...styles.map((style) => {
    const label = document.createElement('label');
    label.className = 'style';
    label.title = style.description;
    const input = Object.assign(document.createElement('input'), { type: 'radio', name: 'style', value: style.name, checked: style.name === chosen });
    const picture = Object.assign(document.createElement('img'), { alt: '', width: 120, height: 90, loading: 'lazy' });
    picture.src = own.get(style.name) ?? `styles/${encodeURIComponent(style.model ?? style.name)}.jpg`;
    picture.onerror = () => { picture.hidden = true; };
    const words = document.createElement('span');
    words.textContent = shownName(style.name)();
    label.append(input, picture, words);
    return label;
  }));
}

export function rememberStyle() {
  if (chosenStyle()) remember('gst-anime.style', chosenStyle());
}

/** Options of a select, with `current` chosen. */
export function fillSelect(select, current) {
  select.replaceChildren(...styles.map((style) => new Option(shownName(style.name)(), style.name, false, style.name === current)));
}

/** In its place: who is choosing meanwhile keeps the focus, and the list its scrolling. */
function showPicture(name, url) {
  own.set(name, url);
  const input = [...document.querySelectorAll('#styles input')].find((one) => one.value === name);
  const picture = input?.parentElement.querySelector('img');
  if (picture) Object.assign(picture, { src: url, hidden: false });
}

let shownOn = null; // the photo that the thumbnails show

/** Shows each style on this photo, one after the other; gives up at the first that does not work. */
export async function showOn(photo) {
  if (shownOn || styles.length < 2) return;
  shownOn = photo;
  const small = await smaller(photo, 256);
  for (const style of small ? styles : []) {
    try {
      const job = await api.submit(small, { name: 'thumbnail.jpg', options: { style: style.name, faces: 'false' }, key: `thumbnail-${newKey()}`,
        onProgress: () => {}, signal: new AbortController().signal });
      const done = await api.follow(job.id, { onChange: () => {}, onSilence: () => {}, signal: AbortSignal.timeout(60000) });
      if (done.state !== 'succeeded') return;
      showPicture(style.name, URL.createObjectURL(await api.fetchResult(job.id)));
    } catch {
      return; // busy, or gone: the sample's pictures stay
    }
  }
}
