import { describe, expect, it } from 'vitest';
import { addFinalizer, removeFinalizer } from './finalizer.ts';
import { KubeError, isObjectChanged } from './kube-error.ts';
import type { StoredObject } from './resource.ts';

const resource = { group: 'g', version: 'v1', kind: 'Thing', plural: 'things' };
const invalid = new KubeError({ status: 422, reason: 'Invalid', message: 'spec.size: must be positive' });
const thing = (more: object = {}) =>
  ({ metadata: { name: 'a', namespace: 'n', uid: 'first', ...more } }) as StoredObject;

/** What adding a finalizer throws when the API server refuses it as invalid, and has the object like this by now. */
const refusedWith = async (current: StoredObject | undefined): Promise<unknown> => {
  const kube = {
    apply: () => Promise.reject(invalid),
    patch: () => Promise.reject(invalid),
    get: () => Promise.resolve(current as never),
  };
  return addFinalizer(kube, resource, thing(), 'g/f', {}).then(
    () => undefined,
    (caught: unknown) => caught,
  );
};

it.each([
  ['being deleted', thing({ deletionTimestamp: '2026-05-05T10:00:00Z' })],
  ['another one', thing({ uid: 'second' })],
  ['gone', undefined],
])('says that an object changed which is %s', async (_title, current) => {
  expect(isObjectChanged(await refusedWith(current))).toBe(true);
});

it('passes on what the API server has against an object that stayed', async () => {
  expect(await refusedWith(thing())).toBe(invalid);
});

describe('removing a finalizer', () => {
  const conflict = new KubeError({ status: 409, reason: 'Conflict', message: 'changed' });
  const leaving = thing({ resourceVersion: '7', finalizers: ['g/f'], deletionTimestamp: '2026-05-05T10:00:00Z' });

  /** What comes of it when the API server refuses it like this, and has the object like that by now. */
  const removed = async (refusal: KubeError, current: StoredObject | undefined) => {
    const sent: unknown[] = [];
    const kube = {
      apply: (_resource: unknown, { metadata }: { metadata: unknown }) => {
        sent.push(metadata);
        return Promise.reject(refusal);
      },
      patch: () => Promise.reject(refusal),
      get: () => Promise.resolve(current as never),
    };
    const outcome = await removeFinalizer(kube, resource, leaving, 'g/f', {}).catch((caught: unknown) => caught);
    return { sent, outcome };
  };

  it('sends the uid and the version for which it was decided', async () => {
    const { sent } = await removed(conflict, undefined);
    expect(sent).toEqual([{ name: 'a', namespace: 'n', uid: 'first', resourceVersion: '7' }]);
  });

  it.each([
    ['409', conflict],
    ['422', invalid],
  ])('is done where the object was recreated, which answers %s', async (_title, refusal) => {
    expect((await removed(refusal, thing({ uid: 'second' }))).outcome).toBeUndefined();
    expect((await removed(refusal, undefined)).outcome).toBeUndefined();
  });

  it('says that an object changed which is there still', async () => {
    expect(isObjectChanged((await removed(conflict, leaving)).outcome)).toBe(true);
  });

  it('passes on what else the API server has against it', async () => {
    expect((await removed(invalid, leaving)).outcome).toBe(invalid);
  });

  it('leaves an entry of somebody else alone once the object has changed', async () => {
    const kube = {
      apply: () => Promise.resolve(leaving as never),
      patch: () => Promise.reject(invalid),
      get: () => Promise.resolve(thing({ ...leaving.metadata, resourceVersion: '8', generation: 3 }) as never),
    };
    const outcome = await removeFinalizer(kube, resource, leaving, 'g/f', {}).catch((caught: unknown) => caught);
    expect(isObjectChanged(outcome)).toBe(true);
  });
});
