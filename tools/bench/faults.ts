import { setTimeout as delay } from 'node:timers/promises';
import type { Call, Seeded, Traffic, Trap, Verdict } from '@operator/tools/harness';

interface Fault {
  readonly name: string;
  readonly side: Call['side'];
  /** How many of the calls it meets. */
  readonly share: number;
  readonly moment: 'before' | 'after';
  readonly act: () => Verdict | Promise<Verdict>;
}

const answer = (status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}) => ({
  status,
  headers: { 'content-type': type, ...headers },
  body,
});
const slowDown = answer(
  503,
  'application/xml',
  '<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>',
);
const kubeStatus = (code: number, reason: string) =>
  JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: 'a fault of the benchmark',
  });
const tooMany = answer(429, 'application/json', kubeStatus(429, 'TooManyRequests'), { 'retry-after': '1' });
const broken = answer(500, 'application/json', kubeStatus(500, 'InternalError'));
const drop = (): Verdict => 'drop';

/** An answer that is lost after the server has acted is the worst of them: who asked cannot know. */
const faults: readonly Fault[] = [
  { name: 'storage away', side: 's3', share: 1, moment: 'before', act: drop },
  { name: 'storage drops calls', side: 's3', share: 0.3, moment: 'before', act: drop },
  { name: 'storage loses answers', side: 's3', share: 0.3, moment: 'after', act: drop },
  { name: 'storage says SlowDown', side: 's3', share: 0.4, moment: 'before', act: () => slowDown },
  { name: 'storage is slow', side: 's3', share: 0.5, moment: 'before', act: () => delay(2_000, 'pass') },
  { name: 'API server drops calls', side: 'kube', share: 0.3, moment: 'before', act: drop },
  { name: 'API server loses answers', side: 'kube', share: 0.3, moment: 'after', act: drop },
  { name: 'API server says 429', side: 'kube', share: 0.4, moment: 'before', act: () => tooMany },
  { name: 'API server says 500', side: 'kube', share: 0.4, moment: 'before', act: () => broken },
];

/** Lets one fault after the other happen to the calls of a world, with fair weather between, until `signal` aborts. */
export async function makeWeather(
  traffic: Traffic,
  random: Seeded,
  signal: AbortSignal,
  spell: { readonly fairMs: number; readonly foulMs: number },
): Promise<ReadonlyMap<string, number>> {
  const met = new Map<string, number>();
  const longOrShort = (ms: number) => ms * (0.5 + random.next());
  const rest = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    const fault = random.pick(faults);
    const end = arm(traffic, random, fault, () => met.set(fault.name, (met.get(fault.name) ?? 0) + 1));
    await rest(longOrShort(spell.foulMs));
    end();
    await rest(longOrShort(spell.fairMs));
  }
  return met;
}

/** A trap acts once, so each sets the next one. Returns the way to end them. */
const arm = (traffic: Traffic, random: Seeded, fault: Fault, count: () => void): (() => void) => {
  let trap: Trap;
  let isOver = false;
  const set = (): void => {
    trap = traffic.onCall(
      ({ side }) => side === fault.side && random.chance(fault.share),
      1,
      fault.moment,
      () => {
        trap.disarm();
        // An answer may be under way when the fault ends.
        if (isOver) return 'pass';
        set();
        count();
        return fault.act();
      },
    );
  };
  set();
  return () => {
    isOver = true;
    trap.disarm();
  };
};
