import type { AccessKeySpec, AccessKeyStatus } from '@operator/api';
import type { Ownership, References } from '@operator/references';
import type { KubeClient, KubeObject } from '@operator/runtime';
import type { KeyPair } from '@operator/s3';
import type { Candidates } from './candidates.ts';
import type { UserPlaces } from './places.ts';

export type AccessKey = KubeObject<AccessKeySpec, AccessKeyStatus>;

/** What the reconciler of AccessKeys works with. */
export interface AccessKeyDeps {
  readonly kube: KubeClient;
  readonly references: References;
  readonly ownership: Ownership;
  readonly places: UserPlaces;
  readonly candidates: Candidates;
  /** Makes a pair of random characters, for servers that let us choose it. */
  readonly newPair: () => KeyPair;
}
