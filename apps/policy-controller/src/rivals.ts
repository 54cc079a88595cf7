import { trimPolicyMetadata } from '@operator/references';
import { pick } from '@operator/runtime';
import type { RivalPolicy } from './deps.ts';

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

/** True when the status no longer says that a document stands at the server: others may have lost theirs with it. */
export const hasLostDocument = (policy: Pick<RivalPolicy, 'status'>, old: Pick<RivalPolicy, 'status'>): boolean =>
  holdsOne(old) && !holdsOne(policy);

const holdsOne = ({ status }: Pick<RivalPolicy, 'status'>): boolean =>
  status?.appliedHash !== undefined || status?.pendingHash !== undefined;
