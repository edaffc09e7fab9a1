// SPDX-License-Identifier: LGPL-2.1-or-later
// A sentence at the lower edge that goes away by itself, with a button where it can be undone.

const time = 8000; // ms
let ends = { undo: null, settle: null };
let timer = 0;
const root = () => document.getElementById('toast');

function end(how) {
  clearTimeout(timer);
  root().hidden = true;
  const act = ends[how];
  ends = { undo: null, settle: null };
  act?.();
}

/** `undo` is called by the button, else `settle` once it is too late for that. */
export function toast(text, { undo = null, settle = null } = {}) {
  end('settle');
  ends = { undo, settle };
  // A modal dialog covers everything outside of it.
  (document.querySelector('dialog[open]') ?? document.body).append(root());
  root().querySelector('span').textContent = text;
  root().querySelector('button').hidden = !undo;
  root().hidden = false;
  timer = setTimeout(() => end('settle'), time);
}

export function wireToast() {
  root().querySelector('button').addEventListener('click', () => end('undo'));
}
