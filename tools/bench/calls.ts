import type { Controller } from '@operator/tools/harness';

/** How often each call was made, by its name: `s3 GetBucketTagging`, `minio-admin AddUser`, `kubernetes apply buckets`. */
export type Calls = ReadonlyMap<string, number>;

const sample = /^wasabi_s3_operator_(external_calls|kubernetes_requests)_total\{(.*)\} (\S+)$/;

/** Reads the calls out of a text of /metrics; those of all codes together. */
export const readCalls = (metrics: string): Calls => {
  const calls = new Map<string, number>();
  for (const line of metrics.split('\n')) {
    const [, family, labels = '', value] = sample.exec(line) ?? [];
    if (family === undefined) continue;
    const label = (name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
    const name =
      family === 'external_calls'
        ? `${label('service')} ${label('operation')}`
        : `kubernetes ${label('verb')} ${label('resource')}`;
    calls.set(name, (calls.get(name) ?? 0) + Number(value));
  }
  return calls;
};

/** What these controllers have called since each was started. */
export const callsOf = async (controllers: readonly Controller[]): Promise<Calls> => {
  const sum = new Map<string, number>();
  for (const metrics of await Promise.all(controllers.map((controller) => controller.metrics()))) {
    for (const [name, count] of readCalls(metrics)) sum.set(name, (sum.get(name) ?? 0) + count);
  }
  return sum;
};

/** What was called between two looks at the same processes. */
export const callsBetween = (before: Calls, after: Calls): Calls =>
  new Map(
    [...after]
      .map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );

export const countCalls = (calls: Calls, matches: (name: string) => boolean): number =>
  [...calls].reduce((sum, [name, count]) => (matches(name) ? sum + count : sum), 0);

/** `2× s3 HeadBucket, s3 PutBucketTagging`. */
export const tellCalls = (calls: Calls, matches: (name: string) => boolean = () => true): string =>
  [...calls].flatMap(([name, count]) => (matches(name) ? [`${count}× ${name}`] : [])).join(', ');

export const isStorageCall = (name: string): boolean => !name.startsWith('kubernetes ');
/** Events are writes too; at rest there are none. Leases are renewed whatever happens. */
export const isKubeWrite = (name: string): boolean =>
  /^kubernetes (create|update|apply|patch|delete) (?!leases$)/.test(name);
export const isKubeRead = (name: string): boolean => /^kubernetes (get|list) (?!leases$)/.test(name);
export const isStorageWrite = (name: string): boolean =>
  isStorageCall(name) && !/^\S+ (Get|Head|List|Info|ServerInfo)/.test(name);
export const isWrite = (name: string): boolean => isKubeWrite(name) || isStorageWrite(name);
