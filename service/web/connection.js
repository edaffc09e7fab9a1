// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the server answers. Who lost it waits here; one probe serves all.

import { fetchLimits, pause } from './api.js';

export class Connection {
  /** `onChange` is told whether the server is silent. */
  constructor(onChange) {
    this.onChange = onChange;
    this.probing = null;
  }

  /** Resolves once the server answers. `lost` says whether it did not at the first look. */
  back() {
    this.probing ??= this.probe().finally(() => { this.probing = null; });
    return this.probing;
  }

  /** Says so at once, and waits. */
  lost() {
    this.onChange(true);
    return this.back();
  }

  async probe() {
    let lost = false;
    for (let wait = 1000; ; wait = Math.min(wait * 1.5, 10000)) {
      try {
        await fetchLimits();
        this.onChange(false);
        return { lost };
      } catch {
        lost = true;
        this.onChange(true);
      }
      // The browser knows first when the network is there again.
      const online = new AbortController();
      const wake = () => online.abort();
      addEventListener('online', wake, { once: true });
      await pause(wait, online.signal);
      removeEventListener('online', wake);
    }
  }
}
