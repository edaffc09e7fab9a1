// SPDX-License-Identifier: LGPL-2.1-or-later
// What survives a reload: the list of jobs with their photos' previews, in IndexedDB. Where the browser refuses
// storage (private windows), the page works and forgets.

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
    const transaction = database.transaction('photos', mode);
    const request = act(transaction.objectStore('photos'));
    transaction.oncomplete = () => done(request.result);
    transaction.onabort = () => done(undefined);
  });
}

/** A record: key, name, created (ms), job (id or null), options, preview (Blob or null), and what the card shows. */
export const save = (record) => transact('readwrite', (photos) => photos.put(record));
export const forget = (key) => transact('readwrite', (photos) => photos.delete(key));
export const loadAll = async () => (await transact('readonly', (photos) => photos.getAll())) ?? [];

/** Names a photo in this browser and, as Idempotency-Key, its job on the server. */
export function newKey() {
  // randomUUID exists on https and localhost only; the service may be reached by plain http in a home network.
  return crypto.randomUUID?.() ??
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
