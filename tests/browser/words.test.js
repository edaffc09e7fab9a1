// SPDX-License-Identifier: LGPL-2.1-or-later
// The page's words are complete: both languages, and every error code of the service.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const { words, sentenceOf } = await import(`data:text/javascript,${encodeURIComponent(read('service/web/words.js'))}`);

const matches = (text, pattern) => [...text.matchAll(pattern)].map((match) => match[1]);

/** The first column of each table whose header is `code`. */
const codeTables = (markdown) => matches(markdown, /^\| code \|.*\n((?:\|.*\n)+)/gm)
  .flatMap((rows) => matches(rows, /^\| `([a-z-]+)`/gm));

describe('the words', () => {
  it('tell every error code of the service and the elements in both languages', () => {
    // Those that an answer can have: with a status.
    const ofTable = matches(read('elements/common/errors.def'), /^ANIME_ERROR\("([a-z-]+)", \w+, \w+, [1-9]\d\d,/gm);
    const ofElements = codeTables(read('docs/elements.md'));
    const ofProxy = matches(read('packaging/nginx/anime-server.conf'), /"code": "([a-z-]+)"/g);
    assert.ok(ofTable.length > 50 && ofElements.length > 15, 'the codes were found');
    for (const code of [...ofTable, ...ofElements, ...ofProxy]) {
      const sentence = sentenceOf(code);
      assert.ok(sentence, `${code} has no sentence in service/web/words.js`);
      assert.ok(words.en.error[sentence] && words.zh.error[sentence], code);
    }
  });

  it('are the same in both languages, with the same values in them', () => {
    const flat = (entry, name = '') => (typeof entry === 'string'
      ? [`${name} ${matches(entry, /\{(\w+)\}/g).sort()}`]
      : Object.entries(entry).flatMap(([key, value]) => flat(value, `${name}.${key}`)));
    assert.deepEqual(flat(words.zh), flat(words.en));
  });
});
