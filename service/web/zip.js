// SPDX-License-Identifier: LGPL-2.1-or-later
// A ZIP file of pictures, stored: they are compressed already. PKWARE's APPNOTE 6.3; below 4 GiB and 65,535 files.

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

async function crc32(blob) {
  let crc = 0xffffffff;
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return (crc ^ 0xffffffff) >>> 0;
    for (const byte of value) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  }
}

/** Little-endian fields: [bytes, value] each. */
function fields(...list) {
  const bytes = new DataView(new ArrayBuffer(list.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of list) {
    if (size === 2) bytes.setUint16(at, value, true);
    else bytes.setUint32(at, value, true);
    at += size;
  }
  return bytes.buffer;
}

/** DOS date and time: two seconds are the finest that there is. */
const stamp = (date) => [
  [2, (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)],
  [2, ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate()],
];

const names = 0x0800; // the names are UTF-8

/** The same name twice becomes "name (2)". */
export function distinct(name, taken) {
  const [, base, ending] = /^(.*?)(\.[^.]*)?$/.exec(name);
  let free = name;
  for (let n = 2; taken.has(free); n += 1) free = `${base} (${n})${ending ?? ''}`;
  taken.add(free);
  return free;
}

/**
 * The ZIP as a Blob that refers to the pictures' own blobs, so that no more than one of them is read at a time.
 * @param {AsyncIterable<{name: string, blob: Blob}>} pictures
 */
export async function zip(pictures, now = new Date()) {
  const parts = [];
  const entries = [];
  const taken = new Set();
  let at = 0;
  for await (const { name, blob } of pictures) {
    const path = new TextEncoder().encode(distinct(name, taken));
    const common = [[2, 20], [2, names], [2, 0], ...stamp(now), [4, await crc32(blob)], [4, blob.size], [4, blob.size],
      [2, path.length], [2, 0]];
    const head = fields([4, 0x04034b50], ...common);
    parts.push(head, path, blob);
    entries.push(fields([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), path);
    at += head.byteLength + path.length + blob.size;
  }
  const size = entries.reduce((sum, part) => sum + part.byteLength, 0);
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, taken.size], [2, taken.size], [4, size], [4, at], [2, 0]);
  return new Blob([...parts, ...entries, end], { type: 'application/zip' });
}
