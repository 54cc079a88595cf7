import type { AccessKey } from './deps.ts';

/** Seconds since each current key pair was issued; an AccessKey that has none yet counts for nothing. */
export function* ageSeconds(accessKeys: Iterable<AccessKey>, now: Date): Generator<number> {
  for (const { status } of accessKeys) {
    if (status?.accessKeyId === undefined || status.lastRotateTime === undefined) continue;
    yield Math.max(0, (now.getTime() - Date.parse(status.lastRotateTime)) / 1_000);
  }
}
