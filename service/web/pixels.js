// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures as the browser decodes and encodes them: fitted to the server's limits, made small, mixed, written in a
// format.

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

/** A file that moves or sounds: nothing to send, and no format of photos would help. */
export class NoPhoto extends Error {}

const decode = (blob) => createImageBitmap(blob, { imageOrientation: 'from-image' });

function canvasOf(width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  return { canvas, context };
}

async function encode(canvas, type, quality) {
  const blob = await new Promise((done) => canvas.toBlob(done, type, quality));
  if (!blob) throw new Error(`no ${type} of ${canvas.width} × ${canvas.height} pixels`);
  return blob;
}

/** JPEG has no transparency. */
function paper(context, type) {
  if (type !== 'image/jpeg') return;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

async function drawn(bitmap, most, type, quality) {
  const scale = Math.min(1, most / Math.max(bitmap.width, bitmap.height));
  const { canvas, context } = canvasOf(Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)));
  paper(context, type);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return { blob: await encode(canvas, type, quality), width: canvas.width, height: canvas.height };
}

/**
 * The photo as it is where the server takes it so; else at most `max_dimension` on its longest side, as JPEG, or as
 * WebP where it may be transparent. Sizes (`from`, `to`) are set where they changed.
 * @param {File} file
 * @param {{max_bytes: number, max_dimension: number}} limits
 * @returns {Promise<{blob: Blob, from: ?string, to: ?string}>}
 */
export async function fitToLimits(file, limits) {
  const asItIs = { blob: file, from: null, to: null };
  const served = passedOn.includes(file.type);
  if (served && file.size <= limits.max_bytes) return asItIs;
  if (/^(video|audio)\//.test(file.type)) throw new NoPhoto();
  // A file that is no photo goes to the server unseen: its answer names what it found in the bytes.
  if (!file.type.startsWith('image/') && !isHeic(file)) return asItIs;

  let bitmap;
  try {
    bitmap = await decode(file);
  } catch {
    if (served) return asItIs;
    throw new Undecodable(file);
  }
  try {
    const type = file.type === 'image/png' || file.type === 'image/webp' ? 'image/webp' : 'image/jpeg';
    const { blob, width, height } = await drawn(bitmap, limits.max_dimension ?? 2000, type, 0.92);
    const changed = width !== bitmap.width || height !== bitmap.height;
    return { blob, from: changed ? `${bitmap.width} × ${bitmap.height}` : null, to: changed ? `${width} × ${height}` : null };
  } finally {
    bitmap.close();
  }
}

/** The picture with at most `side` pixels on its longest side, as JPEG; null where the browser can't decode it. */
export async function smaller(blob, side) {
  let bitmap;
  try {
    bitmap = await decode(blob);
  } catch {
    return null;
  }
  try {
    return (await drawn(bitmap, side, 'image/jpeg', 0.88)).blob;
  } finally {
    bitmap.close();
  }
}

/**
 * What is seen at this strength, in the painting's size: the painting over the photo.
 * @param {?Blob} photo needed below strength 1
 * @param {Blob} painting
 * @param {{strength: number, type: string, side: number=}} how `side` bounds the longest side
 */
export async function mix(photo, painting, { strength, type, side = Infinity }) {
  const mixes = strength < 1 && photo;
  if (!mixes && type === painting.type && side === Infinity) return painting;
  const over = await decode(painting);
  const under = mixes ? await decode(photo) : null;
  try {
    const scale = Math.min(1, side / Math.max(over.width, over.height));
    const { canvas, context } = canvasOf(Math.max(1, Math.round(over.width * scale)),
      Math.max(1, Math.round(over.height * scale)));
    paper(context, type);
    if (under) {
      context.drawImage(under, 0, 0, canvas.width, canvas.height);
      context.globalAlpha = strength;
    }
    context.drawImage(over, 0, 0, canvas.width, canvas.height);
    return await encode(canvas, type, 0.92);
  } finally {
    over.close();
    under?.close();
  }
}
