#!/usr/bin/env node
// SPDX-License-Identifier: LGPL-2.1-or-later
// A client of anime-server in one file, for Node.js 18 and newer and for browsers, with nothing but fetch.
//
// usage: anime-client.mjs PHOTO PICTURE [--server URL] [--key KEY] [--style NAME] [--strength 0..1]
//                         [--format jpeg|png|webp|avif] [--quality 1..100] [--max_dimension PIXELS]
//
// As a module (in a page of another origin the server needs --cors-origin):
//     const client = new AnimeClient('http://127.0.0.1:8080');
//     const picture = await client.paint(file, { style: 'default', format: 'webp' });   // a Blob

/** What the service answered: code is stable, remedy says what to do, requestId finds its log lines. */
export class AnimeError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? '';
    this.remedy = problem.remedy ?? '';
    this.requestId = problem.request_id ?? '';
    this.retryAfter = problem.retry_after ?? 0;
  }
}

// Node.js 18 keeps it in a module of its own.
const crypto = globalThis.crypto ?? (await import('node:crypto')).webcrypto;

/** Without randomUUID(), which pages that came over plain http don't have. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export class AnimeClient {
  /** patience: seconds for a picture, tries and waits included. */
  constructor(server = 'http://127.0.0.1:8080', { key, patience = 120 } = {}) {
    this.server = server.replace(/\/$/, '');
    this.key = key;
    this.patience = patience;
  }

  async limits() {
    return (await this.#request('GET', '/v1/limits')).json();
  }

  async styles() {
    return (await (await this.#request('GET', '/v1/styles')).json()).styles;
  }

  /** The picture of a photo (Blob, File, bytes) as a Blob. Options are those of /v1/limits. */
  async paint(photo, options = {}, progress = () => {}) {
    const until = Date.now() + this.patience * 1000;
    const chosen = Object.entries(options).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(chosen);
    // One key for all tries: an upload whose answer was lost on its way is not painted twice.
    const headers = { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': newKey() };
    let job = await (await this.#again(until, 'POST', `/v1/jobs?${query}`, { body: photo, headers })).json();
    while (job.state === 'queued' || job.state === 'running') {
      progress(job);
      if (Date.now() >= until) {
        await this.#request('DELETE', job.links.self);
        throw new Error(`no picture within ${this.patience} s`);
      }
      job = await (await this.#again(until, 'GET', job.links.self, { headers: { Prefer: 'wait=10' } })).json();
    }
    progress(job);
    if (job.state !== 'succeeded') {
      throw new AnimeError(job.error?.status ?? 410, job.error ?? { detail: job.state });
    }
    return (await this.#again(until, 'GET', job.links.result)).blob();
  }

  /** Tries again where that may help: no connection, 429, 503. */
  async #again(until, method, path, more) {
    for (let wait = 1; ; wait = Math.min(wait * 2, 15)) {
      try {
        return await this.#request(method, path, more);
      } catch (error) {
        const transient = error instanceof TypeError || [429, 503].includes(error.status);
        wait = Math.max(wait, error.retryAfter ?? 0);
        if (!transient || Date.now() + wait * 1000 > until) throw error;
      }
      await sleep(wait);
    }
  }

  async #request(method, path, { body, headers = {} } = {}) {
    if (this.key) headers = { ...headers, Authorization: `Bearer ${this.key}` };
    const answer = await fetch(this.server + path, { method, body, headers });
    if (answer.ok) return answer;
    const isProblem = answer.headers.get('Content-Type')?.startsWith('application/problem+json');
    throw new AnimeError(answer.status, isProblem ? await answer.json() : {});
  }
}

async function main() {
  const { readFile, writeFile } = await import('node:fs/promises');
  const { parseArgs } = await import('node:util');
  const text = { type: 'string' };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      server: { ...text, default: process.env.ANIME_SERVER_URL ?? 'http://127.0.0.1:8080' },
      key: { ...text, default: process.env.ANIME_KEY },
      style: text, strength: text, faces: text, format: text, quality: text, max_dimension: text,
    },
  });
  if (positionals.length !== 2) throw new Error('usage: anime-client.mjs PHOTO PICTURE [--server URL] …');
  const { server, key, ...options } = values;
  const progress = (job) => console.error(`${job.state}: ${job.stage}`);
  const picture = await new AnimeClient(server, { key }).paint(await readFile(positionals[0]), options, progress);
  await writeFile(positionals[1], Buffer.from(await picture.arrayBuffer()));
}

if (globalThis.process?.argv?.[1]?.endsWith('anime-client.mjs')) {
  main().catch((error) => {
    console.error(error instanceof AnimeError ? `${error.message} ${error.remedy} (${error.code}, request ${error.requestId})` : error.message);
    process.exitCode = 1;
  });
}
