// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts the anime-server under test on a free port, and the browser that visits it.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export const patience = 60000; // ms; also on a machine that is busy

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** @returns {Promise<{url: string, stop: function(): Promise<void>}>} */
export async function startServer(options = []) {
  const program = process.env.ANIME_SERVER;
  if (!program || !existsSync(program)) throw new Error(`ANIME_SERVER does not name a program: ${program}`);
  const child = spawn(program, ['--address', '127.0.0.1', '--port', '0', '--metrics-port', '0', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const url = await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the server did not say its address:\n${output}`)), patience);
    const read = (chunk) => {
      output += chunk;
      const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
      if (!address) return;
      clearTimeout(timer);
      done(`${address[0]}/`);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => fail(new Error(`the server ended with ${code}:\n${output}`)));
  });
  for (const end = Date.now() + patience; ;) {
    const ready = await fetch(`${url}readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (Date.now() > end) throw new Error(`the server did not get ready:\n${output}`);
    await new Promise((done) => { setTimeout(done, 100); });
  }
  const ended = new Promise((done) => { child.once('exit', done); });
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export const startBrowser = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: flags, timeout: patience });
