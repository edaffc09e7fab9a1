// SPDX-License-Identifier: LGPL-2.1-or-later
// The before/after slider: a range input laid over two pictures, so that mouse, touch, keyboard and screen readers
// all work without code of our own.

import { t } from './i18n.js';

/** Shows `before` and `after` (URLs) in a card's .compare element. */
export function showCompare(root, before, after, name) {
  root.querySelector('.after').src = after;
  const photo = root.querySelector('.before');
  photo.hidden = !before;
  if (before) photo.src = before;

  const slider = root.querySelector('input');
  slider.hidden = root.querySelector('.handle').hidden = !before;
  const move = () => root.style.setProperty('--cut', `${slider.value}%`);
  slider.oninput = move;
  move();
  root.hidden = false;
  labelCompare(root, name);
}

/** Words that follow the language. */
export function labelCompare(root, name) {
  root.querySelector('.tag-before').textContent = t('before');
  root.querySelector('.tag-after').textContent = t('after');
  root.querySelector('.after').alt = `${t('after')}: ${name}`;
  root.querySelector('.before').alt = `${t('before')}: ${name}`;
  root.querySelector('input').setAttribute('aria-label', t('slider', { name }));
}
