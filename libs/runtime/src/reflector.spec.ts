import { once } from 'node:events';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { reflect } from './reflector.ts';

const gone = new KubeError({ status: 410, reason: 'Expired', message: 'too old' });
const unreachable = new KubeError({ status: 0, reason: 'Unreachable', message: 'refused' });

/** What was asked for, and `pause` where the reflector waited, until `answers` of the watch are used up. */
const traceOf = async (...answers: readonly (KubeError | 'silent' | 'bookmark')[]): Promise<readonly string[]> => {
  const end = new AbortController();
  const trace: string[] = [];
  const left = [...answers];
  const kube: Pick<KubeClient, 'list' | 'watch'> = {
    list: async function* () {
      trace.push('list');
      yield { items: [], resourceVersion: '1' };
    },
    watch: async function* (_resource, _selection, { signal }) {
      const next = left.shift();
      if (next === undefined) {
        end.abort();
        return;
      }
      trace.push(next instanceof KubeError ? String(next.status) : next);
      if (next instanceof KubeError) throw next;
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
    log: pino({ level: 'silent' }),
    trim: <T>(object: T): T => object,
    onReplace: () => undefined,
    onEvent: () => undefined,
  };
  await reflect(options, end.signal);
  return trace;
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
