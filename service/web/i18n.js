// SPDX-License-Identifier: LGPL-2.1-or-later
// The language in use, and the page's words in it. t('key', {name: value}) fills {name}.

import { recall, remember } from './store.js';
import { words } from './words.js';

const key = 'gst-anime.language';
let language = recall(key) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en');
if (!(language in words)) language = 'en';

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');

/** The sentence for `name` ('title', 'error.size-bytes') in the language in use. */
export function t(name, values = {}) {
  let entry = words[language];
  for (const part of name.split('.')) entry = entry?.[part];
  return fill(entry ?? name, values);
}

export const currentLanguage = () => language;

export function setLanguage(next) {
  language = next;
  remember(key, next);
}

/** Puts the words of the language in use into every element with data-i18n. */
export function translatePage() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-i18n]')) element.textContent = t(element.dataset.i18n);
  for (const button of document.querySelectorAll('[data-lang]')) {
    button.setAttribute('aria-pressed', String(button.dataset.lang === language));
  }
}

export function formatBytes(bytes) {
  const mebi = bytes / (1024 * 1024);
  if (mebi >= 1) return `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(mebi)} MiB`;
  return `${Math.max(1, Math.round(bytes / 1024))} KiB`;
}
