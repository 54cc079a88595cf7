import { randomBytes } from 'node:crypto';
import type { TestWorld } from '@operator/references/testing';
import { createCandidates } from '../src/candidates.ts';
import type { AccessKeyDeps } from '../src/deps.ts';
import { makePair } from '../src/pair.ts';
import { createUserPlaces } from '../src/places.ts';
import { accessKeyReconciler } from '../src/reconciler.ts';

/** A process that has just started in a world: it remembers nothing. `change`: of what it works with. */
export const reconcilerOf = (world: TestWorld, change: Partial<AccessKeyDeps> = {}) =>
  accessKeyReconciler({
    kube: world.kube.client,
    references: world.references(),
    ownership: world.ownership,
    places: createUserPlaces(),
    candidates: createCandidates(),
    newPair: () => makePair(randomBytes),
    ...change,
  });
