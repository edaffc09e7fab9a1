// SPDX-License-Identifier: LGPL-2.1-or-later
// OpenAI's own package, pointed at anime-server by its base URL. tests/api/run starts it.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { createReadStream, readFileSync } from 'node:fs';
import test from 'node:test';

import OpenAI, { toFile } from 'openai';

globalThis.File ??= File; // as the package wants it in Node.js 18

const baseURL = `${process.env.ANIME_SERVER_URL}/v1`;
const photo = process.env.ANIME_PHOTO;
const client = new OpenAI({ baseURL, apiKey: 'none is needed', maxRetries: 0 });
const image = () => createReadStream(photo);
const bytes = (answer) => Buffer.from(answer.data[0].b64_json, 'base64');

test('an edit is a painting', async () => {
  const answer = await client.images.edit({ image: image(), prompt: 'Paint it as anime.', model: 'gpt-image-1' });
  assert.equal(bytes(answer).subarray(1, 4).toString(), 'PNG');
  assert.equal(answer.output_format, 'png');
  assert.match(answer.size, /^\d+x\d+$/);
});

test('in another format and quality, from bytes, one image in a list', async () => {
  const file = await toFile(readFileSync(photo), 'photo.jpg', { type: 'image/jpeg' });
  const answer = await client.images.edit({
    image: [file], prompt: 'x', model: 'default', n: 1, size: '1024x1024', output_format: 'jpeg',
    output_compression: 40, quality: 'high', background: 'auto',
  });
  assert.equal(bytes(answer)[0], 0xff);
});

test('errors are errors of the package, with our code', async () => {
  const fails = (options, code) =>
    assert.rejects(client.images.edit({ image: image(), prompt: 'x', ...options }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.type, 'invalid_request_error');
      assert.ok(error.requestID, 'the id that finds its log lines');
      return true;
    });
  await fails({ n: 3 }, 'option-invalid');
  await fails({ model: 'no-such-style' }, 'option-invalid');
  await fails({ background: 'transparent' }, 'option-invalid');
  await fails({ mask: image() }, 'multipart-invalid');
});
