// SPDX-License-Identifier: LGPL-2.1-or-later
// The before/after slider: a range input for keys and screen readers; mouse, pen and finger are followed by hand, so
// that a vertical swipe scrolls the page and does not move it.

import { t } from './i18n.js';

/** Lets a pointer on `area` move `slider` (0 to 100); `free` says when it may. */
export function followPointer(area, slider, free = () => true) {
  let start = null;
  const move = (event) => {
    const box = area.getBoundingClientRect();
    slider.value = String(Math.round(Math.min(100, Math.max(0, 100 * (event.clientX - box.left) / box.width))));
    slider.dispatchEvent(new Event('input', { bubbles: true }));
  };
  area.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !free(event)) return;
    start = event;
    if (event.pointerType === 'mouse') {
      event.preventDefault();
      slider.focus({ preventScroll: true });
      area.setPointerCapture(event.pointerId);
      move(event);
    }
  });
  area.addEventListener('pointermove', (event) => {
    if (!start || event.pointerId !== start.pointerId) return;
    // A finger moves it once it has gone sideways; with touch-action: pan-y the browser takes the rest.
    const sideways = Math.abs(event.clientX - start.clientX) > 6;
    if (event.pointerType === 'mouse' || sideways) move(event);
  });
  area.addEventListener('pointerup', (event) => {
    const still = start && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < 6;
    if (still && event.pointerType !== 'mouse') move(event);
    start = null;
  });
  area.addEventListener('pointercancel', () => { start = null; });
}

/** Makes a .compare element live. */
export function wireCompare(root) {
  const slider = root.querySelector('input');
  const move = () => root.style.setProperty('--cut', `${slider.value}%`);
  slider.addEventListener('input', move);
  followPointer(root, slider);
  move();
}

/** Words that follow the language. */
export function labelCompare(root, name) {
  root.querySelector('.tag-before').textContent = t('before');
  root.querySelector('.tag-after').textContent = t('after');
  root.querySelector('.after').alt = `${t('after')}: ${name}`;
  root.querySelector('.before').alt = `${t('before')}: ${name}`;
  root.querySelector('input').setAttribute('aria-label', t('slider', { name }));
}
