import { expect, it } from 'vitest';
import { addFinalizer } from './finalizer.ts';
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
