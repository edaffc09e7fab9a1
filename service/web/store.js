// SPDX-License-Identifier: LGPL-2.1-or-later
// What survives a reload: the list of photos in IndexedDB, each with its file until the server has it, and settings
// in localStorage. Where the browser refuses storage (private windows), the page works and forgets.

const oldest = 24 * 60 * 60 * 1000; // ms; what is older is not looked for any more
const mostFiles = 48;
const mostBytes = 256 * 1024 * 1024; // of these files together

const opened = new Promise((done) => {
  let request;
  try {
    request = indexedDB.open('gst-anime', 1);
  } catch {
    done(null);
    return;
  }
  request.onupgradeneeded = () => request.result.createObjectStore('photos', { keyPath: 'key' });
  request.onsuccess = () => done(request.result);
  request.onerror = () => done(null);
});

async function transact(mode, act) {
  const database = await opened;
  if (!database) return undefined;
  return new Promise((done) => {
    try {
      const transaction = database.transaction('photos', mode);
      const request = act(transaction.objectStore('photos'));
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = () => done(undefined);
    } catch {
      done(undefined); // the browser closed it: the user deleted the site's data
    }
  });
}

const kept = new Map(); // key to bytes of the files that are in the store

function hasRoom(bytes) {
  const sum = [...kept.values()].reduce((one, other) => one + other, 0);
  return kept.size < mostFiles && sum + bytes <= mostBytes;
}

/**
 * A record: key, name, created (ms), options, preview (Blob or null), file (Blob, null once there is a job), ready
 * (the file is as it will be sent), job (id or null), done (its picture was shown), and what the card shows.
 */
export function save(record) {
  kept.delete(record.key);
  const keeps = record.file && hasRoom(record.file.size);
  if (keeps) kept.set(record.key, record.file.size);
  return transact('readwrite', (photos) => photos.put({ ...record, file: keeps ? record.file : null }));
}

export function forget(key) {
  kept.delete(key);
  return transact('readwrite', (photos) => photos.delete(key));
}

/** The records in the order in which they were made, less those that lead nowhere any more. */
export async function loadAll() {
  const records = (await transact('readonly', (photos) => photos.getAll())) ?? [];
  const useful = records.filter((record) => (record.job || record.file) && Date.now() - record.created < oldest);
  for (const record of records) {
    if (!useful.includes(record)) forget(record.key);
    else if (record.file) kept.set(record.key, record.file.size);
  }
  return useful.sort((one, other) => one.created - other.created);
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
