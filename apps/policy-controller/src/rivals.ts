import { bucketPolicyResource } from '@operator/api';
import { trimPolicyMetadata } from '@operator/references';
import { pick, type KubeClient } from '@operator/runtime';
import type { BucketPolicy, PolicyDeps, RivalPolicy } from './deps.ts';

/** Drops, on arrival, what rivals for a bucket need not know of each other, such as the document: there may be many thousands. */
export const trimRival = ({ apiVersion, kind, metadata, spec, status }: RivalPolicy): RivalPolicy => ({
  apiVersion,
  kind,
  metadata: trimPolicyMetadata(metadata),
  spec: pick(spec, 'bucketRef'),
  ...(status === undefined
    ? {}
    : {
        status: pick(status, 'applied', 'appliedHash', 'pendingHash', 'bucketName', 'region', 'providerRef', 'proof'),
      }),
});

/** How many objects one answer has: a list of all namespaces is read piece by piece. */
const pageSize = 500;

/** Lists every BucketPolicy of the cluster: what is destroyed because nobody else has it must not rest on a late watch. */
export const livePolicies =
  (kube: Pick<KubeClient, 'list'>): PolicyDeps['livePolicies'] =>
  async (signal) => {
    const found: BucketPolicy[] = [];
    for await (const { items } of kube.list<BucketPolicy>(bucketPolicyResource, {}, { signal, pageSize }))
      found.push(...items);
    return found;
  };

/** True when the status no longer says that a document stands at the server: others may have lost theirs with it. */
export const hasLostDocument = (policy: Pick<RivalPolicy, 'status'>, old: Pick<RivalPolicy, 'status'>): boolean =>
  holdsOne(old) && !holdsOne(policy);

const holdsOne = ({ status }: Pick<RivalPolicy, 'status'>): boolean =>
  status?.appliedHash !== undefined || status?.pendingHash !== undefined;
