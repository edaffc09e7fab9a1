// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: takes photos by drop, paste, picker and camera, and keeps the list of them.

import * as api from './api.js';
import { currentLanguage, formatBytes, setLanguage, t, translatePage } from './i18n.js';
import { Photo } from './photo.js';
import * as store from './store.js';

const atOnce = 24; // photos taken from one drop
const sending = 2; // photos under way at a time; the rest wait in this page and not in the server's queue
const find = (id) => document.getElementById(id);
const photos = [];
const page = {
  limits: { max_bytes: 5 * 1024 * 1024, max_dimension: 2000 },
  styles: [],
  announce: (text) => { find('status').textContent = text; },
  enqueue: (photo) => {
    waiting.push(photo);
    startNext();
  },
  withdraw: (photo) => {
    if (waiting.includes(photo)) waiting.splice(waiting.indexOf(photo), 1);
  },
  silence: (silent) => {
    find('offline').hidden = !silent;
    if (silent) readServer();
  },
  gone: (photo) => {
    const { element } = photo.card;
    if (element.contains(document.activeElement)) {
      (element.nextElementSibling ?? element.previousElementSibling ?? find('drop')).focus();
    }
    photos.splice(photos.indexOf(photo), 1);
    refreshHead();
  },
};

let said = null; // about the last drop: a name and values for t()

function notice(name, values) {
  said = name ? [name, values] : null;
  find('notice').textContent = said ? t(...said) : '';
  find('notice').hidden = !said;
}

function refreshHead() {
  const none = photos.length === 0;
  if (none && document.activeElement === find('clear')) find('drop').focus();
  find('results-title').hidden = none;
  find('clear').hidden = none;
}

const waiting = [];
let busy = 0;

function startNext() {
  while (busy < sending && waiting.length > 0) {
    busy += 1;
    waiting.shift().run().finally(() => {
      busy -= 1;
      startNext();
    });
  }
}

function chosenOptions() {
  const options = { strength: find('strength').value, faces: String(find('faces').checked) };
  if (find('style').value) options.style = find('style').value;
  return options;
}

function take(files) {
  const all = [...files];
  if (all.length === 0) {
    notice('notImages');
    return;
  }
  notice(all.length > atOnce ? 'tooMany' : null, { limit: atOnce });
  all.slice(0, atOnce).forEach((file, index) => {
    const record = {
      key: store.newKey(),
      name: file.name || 'photo',
      created: Date.now() + index, // so that they keep their order
      options: chosenOptions(),
      preview: null,
      file,
      ready: false,
      job: null,
      done: false,
    };
    store.save(record);
    add(record);
  });
}

function add(record) {
  const photo = new Photo(record, page);
  photos.push(photo);
  find('results').prepend(photo.card.element);
  refreshHead();
  page.enqueue(photo);
}

function acceptFiles() {
  for (const id of ['picker', 'camera']) {
    find(id).addEventListener('change', (event) => {
      take(event.target.files);
      event.target.value = ''; // the same photo may be chosen again
    });
  }
  // The whole window takes a drop: a photo that misses the frame must not replace the page.
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    find('drop').classList.toggle('over', depth > 0);
  };
  addEventListener('dragenter', () => over(1));
  addEventListener('dragleave', () => over(-1));
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    over(-depth);
    take(event.dataTransfer.files);
  });
  addEventListener('paste', (event) => {
    if (event.clipboardData.files.length > 0) take(event.clipboardData.files);
  });
}

function showLimits() {
  find('limits').textContent = t('limits', { bytes: formatBytes(page.limits.max_bytes) });
}

function showStrength() {
  find('strength-value').textContent = new Intl.NumberFormat(currentLanguage(), { style: 'percent' })
    .format(find('strength').value);
}

function translate() {
  translatePage();
  showLimits();
  showStyles();
  showStrength();
  notice(...(said ?? []));
  for (const photo of photos) photo.card.translate();
}

/** Each style once: the default stands for one of the others. */
function showStyles() {
  const chosen = find('style').value;
  const standard = page.styles.find((style) => style.default);
  const shown = page.styles.filter((style) => style.default || style.name !== standard?.model);
  find('style').replaceChildren(...shown.map((style) => {
    const selected = style.name === chosen || (!chosen && style.default);
    const label = style.default && style.model !== style.name ? t('defaultStyle', { name: style.model }) : style.name;
    const option = new Option(label, style.name, style.default, selected);
    option.title = style.description;
    return option;
  }));
}

/** Reads what the server takes; false if it is not ready to say. */
async function readOnce() {
  try {
    const [limits, { styles }] = await Promise.all([api.fetchLimits(), api.fetchStyles()]);
    find('offline').hidden = true;
    if (!limits.ready) return false;
    page.limits = { ...page.limits, ...limits.upload };
    showLimits();
    page.styles = styles;
    showStyles();
    return true;
  } catch {
    find('offline').hidden = false;
    return false;
  }
}

let reading = false;

async function readServer() {
  if (reading) return;
  reading = true;
  for (let wait = 1000; !(await readOnce()); wait = Math.min(wait * 1.5, 15000)) await api.pause(wait);
  reading = false;
}

async function findPhotosAgain() {
  const records = await store.loadAll();
  const known = new Set(photos.map((photo) => photo.record.key)); // dropped since the page was opened
  for (const record of records) if (!known.has(record.key)) add(record);
}

for (const button of document.querySelectorAll('[data-lang]')) {
  button.addEventListener('click', () => {
    setLanguage(button.dataset.lang);
    translate();
  });
}
find('strength').addEventListener('input', showStrength);
find('options').addEventListener('submit', (event) => event.preventDefault());
find('clear').addEventListener('click', () => {
  for (const photo of photos.filter((one) => !one.card.element.classList.contains('active'))) photo.remove();
});

translate();
acceptFiles();
if (!(await readOnce())) readServer();
await findPhotosAgain();
