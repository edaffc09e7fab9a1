// SPDX-License-Identifier: LGPL-2.1-or-later
// What survives a reload: the list of photos and the finished pictures in IndexedDB, settings in localStorage. Both
// have a bound. Where the browser refuses storage (private windows), the page works and forgets.

const oldest = 7 * 24 * 60 * 60 * 1000; // ms; what is older is not looked for any more
const mostFiles = 400;
const mostFileBytes = 512 * 1024 * 1024; // of the photos' files together
export const mostPictureBytes = 200 * 1024 * 1024; // of the finished pictures together

const opened = new Promise((done) => {
  let request;
  try {
    request = indexedDB.open('gst-anime', 2);
  } catch {
    done(null);
    return;
  }
  request.onupgradeneeded = () => {
    const { result } = request;
    if (!result.objectStoreNames.contains('photos')) result.createObjectStore('photos', { keyPath: 'key' });
    if (!result.objectStoreNames.contains('paintings')) result.createObjectStore('paintings', { keyPath: 'id' });
  };
  request.onsuccess = () => done(request.result);
  request.onerror = () => done(null);
});

/** The result of one request in a transaction of its own; undefined where it can't be had. */
async function transact(store, mode, act) {
  const database = await opened;
  if (!database) return undefined;
  return new Promise((done) => {
    try {
      const transaction = database.transaction(store, mode);
      const request = act(transaction.objectStore(store));
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = () => done(undefined);
    } catch {
      done(undefined); // the browser closed it: the user deleted the site's data
    }
  });
}

const sum = (map) => [...map.values()].reduce((bytes, entry) => bytes + entry.bytes, 0);
const files = new Map(); // of the files in the store: key to { bytes, done }

/** Makes room for a file that still has to be sent, at the cost of those that were kept to be painted again. */
async function makeRoom(bytes) {
  const fits = () => files.size < mostFiles && sum(files) + bytes <= mostFileBytes;
  for (const [key, entry] of files) {
    if (fits()) break;
    if (!entry.done) continue;
    files.delete(key);
    const record = await transact('photos', 'readonly', (photos) => photos.get(key));
    if (record) await transact('photos', 'readwrite', (photos) => photos.put({ ...record, file: null }));
  }
  return fits();
}

/**
 * A record: key, sendKey (the job's Idempotency-Key), name, created (ms), options, strength, thumb and preview (Blob
 * or null), file (Blob or null), ready (the file is as it will be sent), job (id or null), done (a picture was shown).
 */
export async function save(record) {
  files.delete(record.key);
  const keeps = record.file && (await makeRoom(record.file.size));
  if (keeps) files.set(record.key, { bytes: record.file.size, done: record.done });
  await transact('photos', 'readwrite', (photos) => photos.put({ ...record, file: keeps ? record.file : null }));
}

/** The photo, not its pictures. */
export function forget(key) {
  files.delete(key);
  return transact('photos', 'readwrite', (photos) => photos.delete(key));
}

/** The records in the order in which they were made, less those that lead nowhere any more. */
export async function loadAll() {
  const records = (await transact('photos', 'readonly', (photos) => photos.getAll())) ?? [];
  await learnPaintings();
  const useful = records.filter((record) => record.sendKey && (record.job || record.file || record.done) &&
    Date.now() - record.created < oldest);
  for (const record of records) {
    if (!useful.includes(record)) await dropPhoto(record.key);
    else if (record.file) files.set(record.key, { bytes: record.file.size, done: record.done });
  }
  return useful.sort((one, other) => one.created - other.created);
}

// Finished pictures. `paintings` is what is there, the longest kept first; without a database the blobs are in it.
const paintings = new Map();
const idOf = (key, variant) => `${key} ${variant}`;

async function learnPaintings() {
  const all = (await transact('paintings', 'readonly', (store) => store.getAll())) ?? [];
  for (const { id, picture } of all.sort((one, other) => one.created - other.created)) {
    paintings.set(id, { bytes: picture.size });
  }
}

async function dropPainting(id) {
  paintings.delete(id);
  await transact('paintings', 'readwrite', (store) => store.delete(id));
}

/** Keeps `picture` (Blob) with `facts` about it; the longest kept make room. */
export async function savePainting(key, variant, picture, facts) {
  const id = idOf(key, variant);
  await dropPainting(id);
  for (const other of paintings.keys()) {
    if (sum(paintings) + picture.size <= mostPictureBytes) break;
    await dropPainting(other);
  }
  const entry = { id, picture, facts, created: Date.now() };
  paintings.set(id, { bytes: picture.size, entry: (await opened) ? null : entry });
  await transact('paintings', 'readwrite', (store) => store.put(entry));
}

/** { picture, facts }, or undefined where it was not kept. */
export async function loadPainting(key, variant) {
  const id = idOf(key, variant);
  return paintings.get(id)?.entry ?? transact('paintings', 'readonly', (store) => store.get(id));
}

async function dropPaintingsOf(key) {
  for (const id of [...paintings.keys()]) if (id.startsWith(`${key} `)) await dropPainting(id);
}

export async function dropPhoto(key) {
  await forget(key);
  await dropPaintingsOf(key);
}

/** What the finished pictures take here. */
export const kept = () => ({ count: paintings.size, bytes: sum(paintings) });

export async function forgetPaintings() {
  paintings.clear();
  await transact('paintings', 'readwrite', (store) => store.clear());
}

export function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch { /* it holds until the page is left */ }
}

/** Names a photo in this browser and, as Idempotency-Key, its job on the server. */
export function newKey() {
  // randomUUID exists on https and localhost only; the service may be reached by plain http in a home network.
  return crypto.randomUUID?.() ??
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
