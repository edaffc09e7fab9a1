// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a photo fit the server's limits before it is sent: decoded by the browser (with its EXIF orientation, and
// HEIC where the browser can), drawn at most `max_dimension` on its longest side, encoded as JPEG.

const passedOn = ['image/jpeg', 'image/png', 'image/webp'];

// Many systems don't know the type of a HEIC file and leave it empty.
const isHeic = (file) => /\.hei[cf]$/i.test(file.name ?? '');

/** A photo that this browser can't decode; `type` says what it claims to be: HEIC, TIFF, … */
export class Undecodable extends Error {
  constructor(file) {
    const type = isHeic(file) ? 'HEIC' : file.type.replace('image/', '').toUpperCase();
    super(`cannot decode ${type}`);
    this.type = type;
  }
}

/**
 * @param {File} file
 * @param {{max_bytes: number, max_dimension: number}} limits
 * @returns {Promise<{blob: Blob, from: ?string, to: ?string}>} `from` and `to` are sizes, set where it was scaled
 */
export async function fitToLimits(file, limits) {
  const served = passedOn.includes(file.type);
  // The server shrinks too, and better; what it takes as it is, it gets as it is.
  if (served && file.size <= limits.max_bytes / 2) return { blob: file, from: null, to: null };
  // A file that is no photo goes to the server unseen: its answer names what it found in the bytes.
  if (!file.type.startsWith('image/') && !isHeic(file)) return { blob: file, from: null, to: null };

  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    if (served) return { blob: file, from: null, to: null };
    throw new Undecodable(file);
  }
  try {
    const scale = Math.min(1, limits.max_dimension / Math.max(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(bitmap.width * scale));
    const height = Math.max(1, Math.round(bitmap.height * scale));
    const blob = await encode(bitmap, width, height);
    return { blob, from: `${bitmap.width} × ${bitmap.height}`, to: `${width} × ${height}` };
  } finally {
    bitmap.close();
  }
}

async function encode(bitmap, width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#fff'; // JPEG has no transparency
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
  if (!blob) throw new Error(`no JPEG of ${width} × ${height} pixels`);
  return blob;
}

/** A small picture of the photo for the "before" side, at most 1600 px; null where the browser can't decode it. */
export async function previewOf(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const scale = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    const blob = await encode(bitmap, Math.max(1, Math.round(bitmap.width * scale)),
      Math.max(1, Math.round(bitmap.height * scale)));
    bitmap.close();
    return blob;
  } catch {
    return null;
  }
}
