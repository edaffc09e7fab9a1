// SPDX-License-Identifier: LGPL-2.1-or-later
// The server's interface (openapi.json) as the page uses it. Every failure is a Problem with a stable code.

/** What went wrong: the fields of an application/problem+json answer, if it was one; or code 'network'. */
export class Problem extends Error {
  constructor(fields) {
    super(fields.detail ?? fields.title ?? fields.code);
    Object.assign(this, { status: 0 }, fields);
  }
}

/** May the same request be answered later? Not where its job has `ended` with this problem. */
export const passes = ({ code, status, ended }) =>
  !ended && (code === 'network' || status === 408 || status === 429 || status >= 500);

async function problemOf(response) {
  const fields = await response.json().catch(() => ({}));
  return new Problem({
    ...fields,
    status: response.status,
    retryAfter: Number(response.headers.get('Retry-After')) || undefined,
  });
}

async function request(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new Problem({ code: 'network' });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** A body that breaks off, or is not the server's, is a broken connection. */
const whole = (body) => body.catch(() => { throw new Problem({ code: 'network' }); });
const json = async (path) => whole((await request(path)).json());

export const fetchLimits = () => json('v1/limits');
export const fetchStyles = () => json('v1/styles');
export const fetchJob = (id) => json(`v1/jobs/${id}`);
export const fetchResult = async (id) => whole((await request(`v1/jobs/${id}/result`)).blob());
export const cancelJob = (id) => request(`v1/jobs/${id}`, { method: 'DELETE' });

/**
 * Sends a photo. XMLHttpRequest, because fetch can't tell how much has been sent.
 * @param {Blob} blob
 * @param {{name: string, options: Object, key: string, onProgress: function(number), signal: AbortSignal}} how
 * @returns {Promise<Object>} the job
 */
export function submit(blob, { name, options, key, onProgress, signal }) {
  return new Promise((done, fail) => {
    const form = new FormData();
    for (const [field, value] of Object.entries(options)) form.append(field, value);
    form.append('file', blob, name);

    const upload = new XMLHttpRequest();
    upload.open('POST', 'v1/jobs');
    // A second try after a broken connection finds the job of the first one.
    upload.setRequestHeader('Idempotency-Key', key);
    upload.responseType = 'text';
    upload.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    upload.onload = () => {
      let body = {};
      try {
        body = JSON.parse(upload.responseText);
      } catch { /* an answer from something in front of the server; its status says enough */ }
      if (upload.status >= 400) {
        fail(new Problem({ ...body, status: upload.status,
          retryAfter: Number(upload.getResponseHeader('Retry-After')) || undefined }));
      } else if (body.id) done(body);
      else fail(new Problem({ code: 'network' }));
    };
    upload.onerror = () => fail(new Problem({ code: 'network' }));
    upload.onabort = () => fail(new DOMException('aborted', 'AbortError'));
    signal.addEventListener('abort', () => upload.abort());
    upload.send(form);
  });
}

const ended = (job) => ['succeeded', 'failed', 'cancelled'].includes(job.state);
/** Ends early when `signal` is aborted. */
export const pause = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal?.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
});

/**
 * Follows a job to its end: server-sent events while they work, polling when they don't.
 * `onChange` gets each state; `onSilence` whether the server has stopped answering.
 */
export async function follow(id, { onChange, onSilence, signal }) {
  const last = await listen(id, onChange, signal);
  if (last && ended(last)) return last;

  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 1.5, 8000)) {
    try {
      const job = await fetchJob(id);
      onSilence(false);
      onChange(job);
      if (ended(job)) return job;
    } catch (problem) {
      if (!passes(problem)) throw problem;
      onSilence(true);
    }
    await pause(wait, signal);
  }
  throw new DOMException('aborted', 'AbortError');
}

/** Resolves with the last state heard when the job has ended or the stream has broken. */
function listen(id, onChange, signal) {
  return new Promise((done) => {
    let last = null;
    const source = new EventSource(`v1/jobs/${id}/events`);
    const finish = () => {
      source.close();
      done(last);
    };
    const heard = (event) => {
      last = JSON.parse(event.data);
      onChange(last);
      if (ended(last)) finish();
    };
    for (const name of ['progress', 'done']) source.addEventListener(name, heard);
    source.addEventListener('expired', finish); // polling learns why
    source.onerror = finish;
    signal.addEventListener('abort', finish, { once: true });
  });
}
