import type { IssuedKey } from '@operator/runtime';
import type { AccessKey } from './deps.ts';

/** The current key pair of each AccessKey; one that has none yet counts for nothing. */
export function* issuedKeys(accessKeys: Iterable<AccessKey>, now: Date): Generator<IssuedKey> {
  for (const { status } of accessKeys) {
    if (status?.accessKeyId === undefined || status.lastRotateTime === undefined) continue;
    yield {
      ageSeconds: Math.max(0, (now.getTime() - Date.parse(status.lastRotateTime)) / 1_000),
      nextRotationAt: status.nextRotateTime === undefined ? undefined : new Date(status.nextRotateTime),
    };
  }
}
