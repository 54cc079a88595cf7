import { readdir, readlink } from 'node:fs/promises';

/** What a process holds open; sockets are among the files. */
export interface Handles {
  readonly files: number;
  readonly sockets: number;
}

/** Reads /proc. @throws Error when there is no such process */
export async function handlesOf(pid: number): Promise<Handles> {
  const folder = `/proc/${pid}/fd`;
  const entries = await readdir(folder);
  // One that closes between the two looks is gone, and counts for nothing.
  const targets = await Promise.all(entries.map((entry) => readlink(`${folder}/${entry}`).catch(() => undefined)));
  const open = targets.filter((target) => target !== undefined);
  return { files: open.length, sockets: open.filter((target) => target.startsWith('socket:')).length };
}
