import { isSameJson } from './json-equality.ts';
import type { JsonPatchStep } from './kube-client.ts';

/**
 * The steps that remove from a stored status what its controller did not write. Server-side apply drops only what nobody else
 * manages: whoever may write a status can put fields there that outlive every verdict of ours. Pure. `wanted`: as it was applied;
 * `stored`: as the API server answered. Empty when nothing is foreign.
 */
export const foreignStatusSteps = (wanted: object, stored: object): readonly JsonPatchStep[] =>
  foreignPaths(wanted, stored, '/status')
    // What every object has by default is nobody's.
    .filter((path) => path !== '/status/observedGeneration')
    .map((path) => ({ op: 'remove', path }));

const foreignPaths = (wanted: object, stored: object, at: string): readonly string[] =>
  Array.isArray(wanted) && Array.isArray(stored)
    ? foreignItems(wanted, stored, at)
    : Object.entries(stored).flatMap(([field, value]) => {
        const path = `${at}/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const own: unknown = Object.hasOwn(wanted, field) ? wanted[field as never] : undefined;
        if (own === undefined) return [path];
        return isObject(own) && isObject(value) ? foreignPaths(own, value, path) : [];
      });

/** From the end, so that an item that goes does not move the others. */
const foreignItems = (wanted: readonly unknown[], stored: readonly unknown[], at: string): readonly string[] =>
  stored
    .flatMap((item, index) => (wanted.some((own) => isSameJson(own, item)) ? [] : [`${at}/${String(index)}`]))
    .reverse();

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
