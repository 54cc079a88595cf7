import { createHash } from 'node:crypto';

/** A minute, in nanoseconds. */
const minuteNs = 60_000_000_000;
const most = 10_000_000_000;

/**
 * How often the server looks at a target of ours, in nanoseconds: a minute, and a part by which we know it again. The server keeps
 * nothing else that one may choose, and shows no secret; so that part also says with which credentials the target was set. People choose
 * whole seconds.
 */
export const healthCheckFor = (credentialsVersion: string, accessKeyId: string): number => {
  const hash = createHash('sha256')
    .update(JSON.stringify([credentialsVersion, accessKeyId]))
    .digest();
  const part = Number(hash.readBigUInt64BE() % BigInt(most - 1));
  return minuteNs + (isPlain(part) ? part + 1 : part);
};

/** True for what a person might have chosen: whole milliseconds. */
const isPlain = (nanoseconds: number): boolean => nanoseconds % 1_000_000 === 0;

/** True for a target that this operator has set, with whatever credentials. */
export const isOurTarget = ({ healthCheckNs }: { readonly healthCheckNs: number }): boolean =>
  healthCheckNs > minuteNs && healthCheckNs < minuteNs + most && !isPlain(healthCheckNs);
