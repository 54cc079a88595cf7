import { setTimeout as delay } from 'node:timers/promises';
import { settled } from '@operator/outcome';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { MemoryApi, Stored } from '../test/memory-api.ts';
import { type Stage, type WidgetPass, createStage, finalizer } from '../test/stage.ts';
import type { Finalized } from './reconciler.ts';

// The definition of a kind is being deleted, and the API server deletes all of its objects for that.

let stage: Stage;
let api: MemoryApi;
/** uids whose work was undone. */
let undone: string[];
/** Whether one pass is enough for a deletion. */
let isDone: boolean;

const undo = async ({ metadata }: Stored, pass: WidgetPass): Promise<Finalized<Record<string, unknown>>> => {
  await pass.call({ service: 'outside', operation: 'Undo', write: true }, async () => void undone.push(metadata.uid));
  return isDone
    ? { result: 'done' }
    : { result: 'progressing', status: { made: 'thing' }, reason: 'Emptying', message: 'At it.' };
};

beforeEach(async () => {
  stage = createStage();
  ({ api } = stage);
  undone = [];
  isDone = true;
  api.create('a', {}, { finalizers: [finalizer] });
  await stage.startInformer();
});

const start = async (kind: Parameters<Stage['startController']>[0]['kind'] = {}) => {
  await stage.startController({ reconcile: () => settled({ made: 'thing' }), finalize: undo, kind });
  await vi.waitUntil(() => stage.informer.get('n/a')?.status?.made === 'thing');
};

afterEach(() => stage.end());

it('undoes nothing for an object that is deleted with its definition, and says how it is let go', async () => {
  await start();
  api.isKindLeaving = true;
  api.delete('a');
  await vi.waitUntil(() => stage.events.length > 0);
  expect(stage.events).toEqual(['uid-1 OwnershipInDoubt']);
  expect(api.find('a')?.metadata.finalizers).toEqual([finalizer]);
  expect(api.find('a')?.status).toMatchObject({
    made: 'thing',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        reason: 'OwnershipInDoubt',
        message:
          'The definition widgets.runtime.test is being deleted, and with it every Widget of the cluster. That does not say what becomes of this one, so ' +
          'nothing is changed at the server. To let the object go and leave there what it has, annotate it with s3.cloud37.dev/abandon: "true". What it ' +
          'owns in Kubernetes, such as a Secret, goes with it. All of them: kubectl annotate --overwrite -A --all widgets.runtime.test ' +
          's3.cloud37.dev/abandon=true',
      },
      { type: 'Reconciling' },
    ],
  });
  api.change('a', { metadata: { annotations: { 's3.cloud37.dev/abandon': 'true' } } });
  await vi.waitUntil(() => stage.informer.get('n/a') === undefined);
  await vi.waitUntil(() => stage.lines.some(({ event }) => event === 'finalized'));
  expect(stage.lines.at(-1)?.msg).toBe('let go as asked: what it has at the server stays');
  expect(undone).toEqual([]);
});

it('undoes nothing for an object whose finalizer somebody removes meanwhile, and says so', async () => {
  await start();
  api.isKindLeaving = true;
  api.holdWatch();
  api.change('a', { metadata: { finalizers: [] } });
  api.remove('a');
  api.releaseWatch();
  await vi.waitUntil(() => stage.events.length > 0);
  await delay(20);
  expect(stage.events).toEqual(['uid-1 GivenUp']);
  // What cannot be annotated any more is not told how.
  expect(stage.lines.find(({ event }) => event === 'GivenUp')?.msg).toMatch(/so nothing is changed at the server\.$/);
  expect(undone).toEqual([]);
});

it('undoes nothing for it either once the kind is defined anew', async () => {
  await start();
  api.isKindLeaving = true;
  api.delete('a');
  await vi.waitUntil(() => stage.events.length > 0);
  api.isKindLeaving = false;
  stage.wake('n/a');
  await delay(20);
  api.change('a', { metadata: { finalizers: [] } });
  await vi.waitUntil(() => stage.events.length > 1);
  await delay(20);
  expect(stage.events).toEqual(['uid-1 OwnershipInDoubt', 'uid-1 GivenUp']);
  expect(undone).toEqual([]);
});

it('goes on with a deletion that had begun before', async () => {
  await start();
  isDone = false;
  api.delete('a');
  await vi.waitUntil(() => stage.informer.get('n/a')?.status?.conditions?.[0]?.reason === 'Emptying');
  api.isKindLeaving = true;
  isDone = true;
  await vi.waitUntil(() => stage.informer.get('n/a') === undefined);
  expect(stage.events).toEqual([]);
});

it('lets an object of which nothing is undone outside work on for those that need it, and go after them', async () => {
  await start({ leavesNothing: true });
  api.isKindLeaving = true;
  isDone = false;
  api.delete('a');
  await vi.waitUntil(() => stage.informer.get('n/a')?.status?.conditions?.[0]?.reason === 'Emptying');
  isDone = true;
  await vi.waitUntil(() => stage.informer.get('n/a') === undefined);
  expect(stage.events).toEqual([]);
});
