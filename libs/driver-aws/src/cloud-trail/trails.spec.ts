import { setTimeout as pause } from 'node:timers/promises';
import { redact } from '@operator/outcome';
import type { Lock, Uplink } from '@operator/s3';
import { recordingContext } from '@operator/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTrails } from './trails.ts';

const arn = (name: string) => `arn:aws:cloudtrail:us-east-1:123456789012:trail/${name}`;
const name = { trail: 'main', region: 'us-east-1' };
const change = { kind: 'classic', selectors: [] } as const;

/** Trails of a server that says what it likes, and which locks are taken for them. */
const begin = ({
  answers = arn('main'),
  isAmazon = true,
  answer = () => Promise.resolve(),
  lock,
}: {
  readonly answers?: string;
  readonly isAmazon?: boolean;
  /** Before each answer inside of the lock. */
  readonly answer?: (signal: AbortSignal) => Promise<unknown>;
  readonly lock?: Lock;
}) => {
  const locks: string[] = [];
  const inTurn: Lock = async (named, _signal, run) => {
    locks.push(named);
    return run(new AbortController().signal);
  };
  const uplink = {
    clientSettings: () => ({}),
    async send(_target: unknown, _command: unknown, _dispatch: unknown, { signal }: { signal: AbortSignal }) {
      if (locks.length > 0) await answer(signal);
      return { TrailARN: answers };
    },
  } as unknown as Uplink;
  const credentials = { accessKeyId: 'ADMIN', secretAccessKey: redact('hush') };
  const endpointFor = () => (isAmazon ? 'https://cloudtrail.us-east-1.amazonaws.com' : 'http://tenant.test:1234/path');
  const settings = { credentials, endpointFor, isAmazon };
  const trails = createTrails(uplink, settings, { lock: lock ?? inTurn, elapsedMs: () => performance.now() * 10_000 });
  return {
    locks,
    change: () =>
      trails.change(name, (found) => (found.selectors.length === 0 ? undefined : change), recordingContext()),
  };
};

describe('those who change a trail take turns', () => {
  it('by its ARN where Amazon tells it', async () => {
    const world = begin({});
    await world.change().catch(() => undefined);
    expect(world.locks).toEqual([`cloudtrail ${arn('main')}`]);
  });

  it("by the endpoint where it is somebody else's, whatever trail that names", async () => {
    for (const answers of [arn('of-the-victim'), arn('another'), 'nonsense']) {
      const world = begin({ answers, isAmazon: false });
      await world.change().catch(() => undefined);
      expect(world.locks).toEqual(['cloudtrail http://tenant.test:1234']);
    }
  });

  it('and not by what is no ARN of a trail', async () => {
    const world = begin({ answers: 'arn:aws:s3:::bucket' });
    await expect(world.change()).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'RequestRefused',
      message: 'CloudTrail answers with an ARN that is not valid for a trail: arn:aws:s3:::bucket.',
    });
    expect(world.locks).toEqual([]);
  });
});

describe('the turn of a trail', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const aborted = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });

  it.each([
    ['is not held by a server that is silent', { answer: aborted }],
    ['is not waited for without end', { lock: (_name: string, signal: AbortSignal) => aborted(signal) }],
  ])('%s', async (_what, how) => {
    const world = begin(how);
    const changing = expect(world.change()).rejects.toMatchObject({ kind: 'waiting', reason: 'Conflict' });
    // The first look loads the client.
    for (let turn = 0; vi.getTimerCount() === 0 && turn < 500; turn += 1) await pause(10);
    await vi.advanceTimersByTimeAsync(60_000);
    await changing;
    expect(vi.getTimerCount()).toBe(0);
  });
});
