import { transient, waiting } from '@operator/outcome';
import { providerOf } from '@operator/references/testing';
import { describe, expect, it } from 'vitest';
import { createCheckMemory, periodMs, type CheckResult } from './check.ts';

const server = { serverIdentity: 'http://s3.test' };
const provider = providerOf(server);
const healthy: CheckResult = { listDenied: false };
const at = (seconds: number) => new Date(Date.UTC(2026, 4, 5) + seconds * 1_000);

describe('periodMs', () => {
  const away = transient('EndpointUnreachable', 'away');
  const refused = waiting('AuthFailed', 'no');
  it.each<[string, 'aws' | 'wasabi', number, CheckResult, number]>([
    ['healthy', 'aws', 60, healthy, 60_000],
    ['away', 'aws', 60, away, 15_000],
    ['away, with a shorter interval', 'aws', 5, away, 5_000],
    ['refused', 'aws', 60, refused, 60_000],
    ['refused by Wasabi', 'wasabi', 60, refused, 340_000],
    ['refused by Wasabi, with a longer interval', 'wasabi', 600, refused, 600_000],
  ])('%s', (_title, type, checkIntervalSeconds, result, want) => {
    expect(periodMs(providerOf(server, { spec: { type, checkIntervalSeconds } }), result)).toBe(want);
  });
});

describe('a check', () => {
  const remembered = () => {
    const memory = createCheckMemory();
    memory.remember(provider, 'v1', at(0), healthy);
    return memory;
  };
  const asked = providerOf(server, { metadata: { annotations: { 's3.cloud37.dev/reconcile-requested-at': 'now' } } });

  it.each([
    ['stands within its period', provider, 'v1', 30, 30_000],
    ['is due when its period is over', provider, 'v1', 60, undefined],
    ['is due a tenth before that: the runtime may be early', provider, 'v1', 54, undefined],
    ['is due for other credentials', provider, 'v2', 30, undefined],
    ['is due when a person asks', asked, 'v1', 30, undefined],
    ['is due when the clock was set back', provider, 'v1', -3_600, undefined],
  ])('%s', (_title, given, version, seconds, dueInMs) => {
    const want = dueInMs === undefined ? undefined : { result: healthy, dueInMs };
    expect(remembered().standing(given, version, at(seconds))).toEqual(want);
  });

  it('is forgotten with its Provider', () => {
    const memory = remembered();
    memory.forget(provider.metadata.uid);
    expect(memory.standing(provider, 'v1', at(1))).toBeUndefined();
  });
});

describe('a probe', () => {
  it('is needed once for each version, and once more with a bucket', () => {
    const memory = createCheckMemory();
    const steps: readonly (readonly [string, boolean, boolean])[] = [
      ['v1', false, true],
      ['v1', false, false],
      ['v1', true, true],
      ['v1', true, false],
      ['v1', false, false],
      ['v2', false, true],
    ];
    for (const [version, hasBucket, want] of steps) {
      expect(memory.needsProbe(provider, version, hasBucket), `${version} ${String(hasBucket)}`).toBe(want);
      // One that failed is needed still.
      expect(memory.needsProbe(provider, version, hasBucket)).toBe(want);
      if (want) memory.probed(provider, version, hasBucket);
    }
  });
});
