// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: takes photos by drop, paste, picker and camera, keeps the list of them, and does what is asked of several
// at once.

import * as api from './api.js';
import { labelCompare, wireCompare } from './compare.js';
import { Connection } from './connection.js';
import { currentLanguage, formatBytes, setLanguage, t, translatePage } from './i18n.js';
import { Photo, saveAs } from './photo.js';
import { Removal } from './removal.js';
import * as store from './store.js';
import * as styles from './styles.js';
import { toast, wireToast } from './toast.js';
import { Viewer } from './viewer.js';
import { zip } from './zip.js';

const sending = 2; // photos under way at a time; the rest wait in this page and not in the server's queue
const perTurn = 12; // photos added before the browser may draw again
const find = (id) => document.getElementById(id);
const photos = []; // the oldest first; the grid shows the newest first
const page = {
  limits: { max_bytes: 5 * 1024 * 1024, max_dimension: 2000 },
  connection: new Connection((silent) => { find('offline').hidden = !silent; }),
  announce: (text) => { find('status').textContent = text; },
  say: (text) => toast(text),
  enqueue: (photo) => {
    if (!waiting.includes(photo)) waiting.push(photo);
    startNext();
  },
  withdraw: (photo) => {
    if (waiting.includes(photo)) waiting.splice(waiting.indexOf(photo), 1);
  },
  changed: () => refreshSoon(),
  grown: (photo) => photo.card.element.getBoundingClientRect().bottom > innerHeight && scrollToPictures(),
  removed: (photo) => removal.remove([photo]),
  open: (photo) => viewer.open(photo),
  neighbour: (photo, step) => {
    const shown = photos.filter((one) => one.state === 'succeeded' || one === photo);
    return shown[shown.indexOf(photo) - step]; // to the right in the grid is older
  },
};
const viewer = new Viewer(page);
const removal = new Removal({
  takeOut: (photo) => {
    page.withdraw(photo);
    photos.splice(photos.indexOf(photo), 1);
  },
  putBack: (photo) => {
    photos.push(photo);
    if (photo.active && !photo.underWay) page.enqueue(photo);
  },
  arrange: () => {
    photos.sort((one, other) => one.record.created - other.record.created);
    find('results').replaceChildren(...photos.map((photo) => photo.card.element).reverse());
  },
  changed: () => refresh(),
});

let said = null; // about the last drop: a name and values for t()

function notice(name, values) {
  said = name ? [name, values] : null;
  find('notice').textContent = said ? t(...said) : '';
  find('notice').hidden = !said;
}

// --- the queue of this page

const waiting = [];
let busy = 0;

function startNext() {
  while (busy < sending && waiting.length > 0) {
    busy += 1;
    waiting.shift().run().finally(() => {
      busy -= 1;
      startNext();
      if (busy === 0 && waiting.length === 0) idle();
    });
  }
}

/** With nothing else to do, the styles are shown on the first photo that was painted. */
function idle() {
  const first = photos.find((photo) => photo.state === 'succeeded' && photo.record.preview);
  if (first) styles.showOn(first.record.preview);
}

// --- photos come and go

function chosenOptions() {
  const style = styles.chosenStyle();
  return { ...(style ? { style } : {}), faces: String(find('faces').checked) };
}

async function take(files) {
  const all = [...files];
  if (all.length === 0) {
    notice('notImages');
    return;
  }
  notice(null);
  const options = chosenOptions();
  const strength = Number(find('strength').value);
  const added = all.map((file, index) => ({
    key: store.newKey(),
    sendKey: store.newKey(),
    name: file.name || 'photo',
    created: Date.now() + index, // so that they keep their order
    options,
    strength,
    thumb: null,
    preview: null,
    file,
    ready: false,
    job: null,
    done: false,
  }));
  for (let i = 0; i < added.length; i += perTurn) {
    for (const record of added.slice(i, i + perTurn)) {
      const photo = add(record);
      store.save(record);
      page.enqueue(photo);
    }
    if (i === 0) showPictures();
    await new Promise(requestAnimationFrame);
  }
}

/** What is happening comes into sight: on a phone the list is below the fold. */
function showPictures() {
  refresh();
  const { top, bottom } = find('results').firstElementChild.getBoundingClientRect();
  if (bottom > innerHeight || top < 0) scrollToPictures();
}

function scrollToPictures() {
  const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
  find('pictures').scrollIntoView({ behavior, block: 'start' });
}

const introductions = [];
let introducing = false;

/** Thumbnails one after the other, however many photos were chosen. */
async function introduce(photo) {
  introductions.push(photo);
  if (introducing) return;
  introducing = true;
  while (introductions.length > 0) await introductions.shift().introduce();
  introducing = false;
}

function add(record) {
  const photo = new Photo(record, page);
  photos.push(photo);
  find('results').prepend(photo.card.element);
  introduce(photo);
  refreshSoon();
  return photo;
}

// --- what stands around the list

let refreshing = false;

function refreshSoon() {
  if (refreshing) return;
  refreshing = true;
  requestAnimationFrame(() => {
    refreshing = false;
    refresh();
  });
}

const selected = () => photos.filter((photo) => photo.selected);
const finished = (some) => some.filter((photo) => photo.state === 'succeeded');

function refresh() {
  const count = photos.length;
  if (count === 0 && find('pictures').contains(document.activeElement)) find('drop').focus();
  find('pictures').hidden = count === 0;
  find('results').classList.toggle('single', count === 1);
  for (const photo of photos) {
    photo.card.select(photo.selected);
    photo.feature(count === 1);
    viewer.changed(photo);
  }

  const some = selected();
  const ready = finished(some.length > 0 ? some : photos).length;
  find('select-all').checked = count > 0 && some.length === count;
  find('select-all').indeterminate = some.length > 0 && some.length < count;
  const button = (id, name, number) => {
    find(id).textContent = t(name, { count: number });
    find(id).hidden = number === 0;
  };
  button('zip', some.length > 0 ? 'zipSelected' : 'zipAll', count > 1 ? ready : 0);
  button('repaint-selected', 'repaintSelected', some.filter((photo) => photo.file && photo.state === 'succeeded').length);
  button('remove-selected', some.length > 0 ? 'removeSelected' : 'removeAll', some.length || (count > 1 ? count : 0));
  find('select-all').parentElement.hidden = count < 2;
  const style = styles.chosenStyle();
  const others = finished(photos).filter((photo) => photo.file && photo.record.options.style !== style);
  button('repaint-all', 'repaintAll', others.length);

  const done = finished(photos).length;
  const open = photos.filter((photo) => photo.active).length;
  find('progress-text').textContent = open > 0 && count > 1 ? t('doneOf', { done, count }) : '';
  showKept();
}

function showKept() {
  const { count, bytes } = store.kept();
  find('kept').textContent = t('kept', { count, bytes: formatBytes(bytes), limit: formatBytes(store.mostPictureBytes) });
  find('forget').parentElement.hidden = count === 0;
}

async function downloadZip() {
  const some = selected();
  const wanted = finished(some.length > 0 ? some : photos);
  find('zip').disabled = true;
  async function* outputs() {
    let n = 0;
    for (const photo of wanted) {
      n += 1;
      find('progress-text').textContent = t('packing', { done: n, count: wanted.length });
      const output = await photo.output();
      if (output) yield output;
    }
  }
  try {
    saveAs(await zip(outputs()), 'anime.zip');
  } finally {
    find('zip').disabled = false;
    refresh();
  }
}

function repaint(some) {
  const options = chosenOptions();
  const painted = some.filter((photo) => photo.repaint(options));
  toast(t('repainting', { count: painted.length }));
}

// --- the controls

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
  find('try-sample').addEventListener('click', async () => {
    const answer = await fetch('sample.jpg').catch(() => null);
    if (answer?.ok) take([new File([await answer.blob()], 'sample.jpg', { type: 'image/jpeg' })]);
    else page.connection.lost();
  });
}

function showStrength() {
  const text = new Intl.NumberFormat(currentLanguage(), { style: 'percent' }).format(find('strength').value);
  find('strength-value').textContent = text;
  find('strength').setAttribute('aria-valuetext', text);
}

function wireOptions() {
  find('strength').value = store.recall('gst-anime.strength') ?? '1';
  find('faces').checked = store.recall('gst-anime.faces') !== 'false';
  find('strength').addEventListener('input', showStrength);
  find('options').addEventListener('change', () => {
    styles.rememberStyle();
    store.remember('gst-anime.strength', find('strength').value);
    store.remember('gst-anime.faces', String(find('faces').checked));
    showLicence();
    refresh();
  });
  find('options').addEventListener('submit', (event) => event.preventDefault());
  find('repaint-all').addEventListener('click', () => repaint(finished(photos)));
  find('repaint-selected').addEventListener('click', () => repaint(finished(selected())));
  find('remove-selected').addEventListener('click', () => {
    const some = selected();
    removal.remove(some.length > 0 ? some : photos.filter((photo) => !photo.active));
  });
  find('select-all').addEventListener('change', (event) => {
    for (const photo of photos) photo.selected = event.target.checked;
    refresh();
  });
  find('zip').addEventListener('click', downloadZip);
  find('forget').addEventListener('click', () => store.forgetPaintings().then(refresh));
  wireToast();
}

function showLicence() {
  const style = styles.known().find((one) => one.name === styles.chosenStyle());
  find('licence').textContent = style ? t('licence', { style: styles.shownName(style.name)(), licence: style.licence }) : '';
}

function translate() {
  translatePage();
  find('limits').textContent = t('limits', { bytes: formatBytes(page.limits.max_bytes) });
  styles.showStyles();
  showLicence();
  showStrength();
  labelCompare(find('sample'), t('samplePicture'));
  notice(...(said ?? []));
  for (const photo of photos) photo.translate();
  viewer.translate();
  refresh();
}

/** Reads what the server takes; false if it is not ready to say. */
async function readOnce() {
  const [limits, { styles: all }] = await Promise.all([api.fetchLimits(), api.fetchStyles()]);
  if (!limits.ready) return false;
  page.limits = { ...page.limits, ...limits.upload };
  styles.useStyles(all);
  translate();
  return true;
}

async function readServer() {
  for (let wait = 1000; ; wait = Math.min(wait * 1.5, 15000)) {
    try {
      if (await readOnce()) return;
    } catch {
      await page.connection.lost();
    }
    await api.pause(wait);
  }
}

async function findPhotosAgain() {
  const records = await store.loadAll();
  const present = new Set(photos.map((photo) => photo.record.key)); // dropped since the page was opened
  for (const record of records) {
    if (present.has(record.key)) continue;
    const photo = add(record);
    if (record.done) await photo.restore();
    else page.enqueue(photo);
  }
}

for (const button of document.querySelectorAll('[data-lang]')) {
  button.addEventListener('click', () => {
    setLanguage(button.dataset.lang);
    translate();
  });
}

wireCompare(find('sample'));
wireOptions();
translate();
acceptFiles();
if ('serviceWorker' in navigator) navigator.serviceWorker.register('worker.js').catch(() => {}); // http, private windows
const read = readServer();
await findPhotosAgain();
await read;
