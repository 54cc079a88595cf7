import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Prebuilt } from '../versions.ts';

export interface DownloadOptions {
  /** Unfinished downloads lie here and are resumed. */
  readonly folder: string;
  readonly onBytes?: (received: number, total: number | undefined) => void;
  readonly signal?: AbortSignal | undefined;
  /** Patience for the first answer, and for each silence after it. Default 5 000 and 30 000. */
  readonly connectMs?: number;
  readonly silenceMs?: number;
}

/**
 * The publisher's file, its checksum verified, in `folder`.
 * @throws Error `cannot reach …` or `… answered 404`; or `… is not what its publisher signed for`, and then the file is gone
 */
export async function downloadVerified(prebuilt: Prebuilt, options: DownloadOptions): Promise<string> {
  return downloadPinned({ ...prebuilt, digest: await publishedDigest(prebuilt, options) }, options);
}

/** The same of a file whose digest is known, lower-case hex. */
export async function downloadPinned(
  { url, algorithm, digest }: Pick<Prebuilt, 'url' | 'algorithm'> & { readonly digest: string },
  options: DownloadOptions,
): Promise<string> {
  mkdirSync(options.folder, { recursive: true });
  const path = join(options.folder, basename(new URL(url).pathname));
  if (!existsSync(path)) await receive(url, `${path}.part`, options);
  const arrived = existsSync(path) ? path : `${path}.part`;
  const got = await digestOf(arrived, algorithm);
  if (got !== digest) {
    await rm(arrived);
    throw new Error(`${url} is not what its publisher states: ${algorithm} ${got}, stated ${digest}`);
  }
  if (arrived !== path) await rename(arrived, path);
  return path;
}

/**
 * Puts the programs `names` of a verified file into `target`, each by a rename.
 * @throws Error when the archive lacks one
 */
export async function unpackPrograms(
  file: string,
  names: readonly string[],
  target: string,
  archive: boolean,
): Promise<void> {
  mkdirSync(target, { recursive: true });
  if (!archive) {
    const [name] = names;
    if (name === undefined) return;
    await chmod(file, 0o755);
    await rename(file, join(target, name));
    return;
  }
  const aside = await mkdtemp(join(target, '.unpack-'));
  try {
    await promisify(execFile)('tar', ['-xzf', file, '-C', aside]);
    const entries = await readdir(aside, { recursive: true, withFileTypes: true });
    for (const name of names) {
      const entry = entries.find((candidate) => candidate.isFile() && candidate.name === name);
      if (!entry) throw new Error(`${basename(file)} has no ${name} in it`);
      await chmod(join(entry.parentPath, name), 0o755);
      await rename(join(entry.parentPath, name), join(target, name));
    }
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function publishedDigest({ url, checksumUrl, algorithm }: Prebuilt, options: DownloadOptions): Promise<string> {
  const response = await request(checksumUrl, options);
  const length = algorithm === 'sha256' ? 64 : 128;
  const digest = findDigest(await response.text(), basename(new URL(url).pathname), length);
  if (digest === undefined) throw new Error(`${checksumUrl} states no ${algorithm} for ${basename(url)}`);
  return digest;
}

/** A checksum text is one digest alone, or lines of `digest  file`. Lower-case hex; undefined when the file is not in it. */
export function findDigest(text: string, file: string, length: number): string | undefined {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => line.trim().toLowerCase().split(/\s+/));
  const named = lines.find(([, name]) => name?.replace(/^\*/, '').split('/').at(-1) === file.toLowerCase());
  const alone = lines.length === 1 ? lines.find((words) => words.length === 1) : undefined;
  const [digest = ''] = named ?? alone ?? [];
  return digest.length === length && /^[0-9a-f]+$/.test(digest) ? digest : undefined;
}

async function receive(url: string, part: string, options: DownloadOptions): Promise<void> {
  const had = existsSync(part) ? statSync(part).size : 0;
  const response = await request(url, options, had > 0 ? { range: `bytes=${had}-` } : {}, [416]);
  if (response.status === 416) return; // nothing is missing: the checksum will tell
  const resumes = response.status === 206;
  if (!response.body) throw new Error(`${url} answered without a body`);
  const length = Number(response.headers.get('content-length'));
  const total = length > 0 ? length + (resumes ? had : 0) : undefined;
  let received = resumes ? had : 0;
  let silence: NodeJS.Timeout | undefined;
  const quiet = new AbortController();
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      clearTimeout(silence);
      silence = setTimeout(() => quiet.abort(new Error(`${url} fell silent`)), options.silenceMs ?? 30_000);
      received += chunk.length;
      options.onBytes?.(received, total);
      done(null, chunk);
    },
  });
  try {
    await pipeline(Readable.fromWeb(response.body), count, createWriteStream(part, { flags: resumes ? 'a' : 'w' }), {
      signal: options.signal ? AbortSignal.any([options.signal, quiet.signal]) : quiet.signal,
    });
  } finally {
    clearTimeout(silence);
  }
}

async function request(
  url: string,
  { connectMs = 5_000, signal }: DownloadOptions,
  headers: Record<string, string> = {},
  alsoGood: readonly number[] = [],
): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error(`no answer within ${connectMs / 1000} s`)), connectMs);
  try {
    const response = await fetch(url, {
      headers,
      signal: AbortSignal.any([patience.signal, ...(signal ? [signal] : [])]),
    });
    if (!response.ok && !alsoGood.includes(response.status)) throw new Error(`answered ${response.status}`);
    return response;
  } catch (error) {
    signal?.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${new URL(url).host}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function digestOf(path: string, algorithm: Prebuilt['algorithm']): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Empties the folder of finished downloads; unfinished ones stay to be resumed. */
export async function removeDownloads(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const file of await readdir(folder)) if (!file.endsWith('.part')) await rm(join(folder, file), { force: true });
}
