import { once } from 'node:events';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Backoff } from './backoff.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { reflect } from './reflector.ts';

const gone = new KubeError({ status: 410, reason: 'Expired', message: 'too old' });
const unreachable = new KubeError({ status: 0, reason: 'Unreachable', message: 'refused' });

type Answer = KubeError | 'silent' | 'bookmark';

/** What was asked for, and `pause` where the reflector waited, until `answers` of the watch are used up. */
const traceOf = async (...answers: readonly Answer[]): Promise<readonly string[]> => (await reflectOver(answers)).trace;

/** Beside it what the log said, and `open` where the server had taken a watch. */
const reflectOver = async (answers: readonly Answer[], refusals?: Backoff) => {
  const lines: string[] = [];
  const end = new AbortController();
  const trace: string[] = [];
  const left = [...answers];
  const kube: Pick<KubeClient, 'list' | 'watch'> = {
    list: async function* () {
      trace.push('list');
      yield { items: [], resourceVersion: '1' };
    },
    watch: async function* (_resource, _selection, { signal, onOpen }) {
      const next = left.shift();
      if (next === undefined) {
        end.abort();
        return;
      }
      trace.push(next instanceof KubeError ? String(next.status) : next);
      if (next instanceof KubeError) throw next;
      onOpen?.();
      lines.push('open');
      if (next === 'bookmark') yield { type: 'BOOKMARK', resourceVersion: '2' };
      if (next === 'silent') await once(signal, 'abort');
      signal.throwIfAborted();
    },
  };
  const random = (): number => {
    // Asked for the length of a watch, too; a pause is what follows a refusal.
    if (/^\d/.test(trace.at(-1) ?? '')) trace.push('pause');
    return 0;
  };
  const options = {
    kube,
    random,
    resource: { group: 'g', version: 'v1', kind: 'Thing', plural: 'things' },
    selection: {},
    silentAfterMs: 5,
    log: pino({}, { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }),
    trim: <T>(object: T): T => object,
    onReplace: () => undefined,
    onEvent: () => undefined,
    refusals,
  };
  await reflect(options, end.signal);
  return { trace, lines };
};

it('lists at once when an outage ends with 410', async () => {
  expect(await traceOf(unreachable, unreachable, gone)).toEqual(['list', '0', 'pause', '0', 'pause', '410', 'list']);
});

it('pauses between one 410 and the next', async () => {
  expect(await traceOf(gone, gone, gone)).toEqual([
    'list',
    '410',
    'list',
    '410',
    'pause',
    'list',
    '410',
    'pause',
    'list',
  ]);
});

it('lists again after an event that has no end, for nobody knows what it was about', async () => {
  const endless = new KubeError({ status: 0, reason: 'EventTooLarge', message: 'no end' });
  expect(await traceOf(endless)).toEqual(['list', '0', 'pause', 'list']);
});

it('lists again after two silences in a row, for the version that it resumes from may lie in the future', async () => {
  expect(await traceOf('silent', 'bookmark', 'silent', 'silent', 'silent', 'silent')).toEqual([
    ...['list', 'silent', 'bookmark', 'silent', 'silent'],
    ...['list', 'silent', 'silent'],
    'list',
  ]);
});

it.each([
  [
    'is being set up',
    new KubeError({ status: 429, reason: 'TooManyRequests', message: 'storage is (re)initializing' }),
  ],
  ['is not installed', new KubeError({ status: 404, reason: 'NotFound', message: 'not found' })],
])(
  'tells that a kind that %s is watched as soon as the server takes the watch, not with its first event',
  async (_title, absent) => {
    const { lines } = await reflectOver([absent, 'bookmark']);
    expect(lines).toEqual(['things are not served yet; trying again', 'watching things again', 'open']);
  },
);

it('is tried again after a refusal as its owner says, and after all else as ever', async () => {
  const forbidden = new KubeError({ status: 403, reason: 'Forbidden', message: 'no' });
  const msOf = async (answer: KubeError) => {
    const from = performance.now();
    await reflectOver([answer], { baseMs: 600, capMs: 600 });
    return performance.now() - from;
  };
  expect(await msOf(forbidden)).toBeGreaterThan(290);
  expect(await msOf(unreachable)).toBeLessThan(290);
});
