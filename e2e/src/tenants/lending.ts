import { openAccess, s3View } from '@operator/tools/harness';
import { annotation, platform, undisclosed, type Case } from './case.ts';

/** A Provider that is lent to this attempt alone. @returns its name in `platform` */
export const ownProvider = async (given: Case): Promise<string> => {
  const name = `lent-to-${given.namespace}`;
  const { spec } = (await given.admin.get('Provider', platform, 'shared')) ?? {};
  await given.admin.create('Provider', platform, name, {
    spec: { ...spec, allowedNamespaces: { names: [given.namespace] } },
  });
  await given.admin.untilReady('Provider', platform, name);
  return name;
};

/** Takes the grant back; the annotation confirms it where existing rights are to go too (docs/decisions). */
export const withdraw = async (given: Case, kind: 'Provider' | 'Bucket', namespace: string, name: string) => {
  await given.admin.patch(kind, namespace, name, {
    metadata: { annotations: { [annotation('confirm-withdrawal')]: given.namespace } },
    spec: { allowedNamespaces: { names: [], all: false } },
  });
};

/** A bucket and a key through a Provider that was lent for this attempt. */
export const borrowed = async (given: Case, provider: string) => {
  const bucket = given.freshName('borrowed');
  const providerRef = { name: provider, namespace: platform };
  await given.bucket('borrowed', 'shared', bucket, { providerRef });
  await given.admin.untilReady('Bucket', given.namespace, 'borrowed');
  await given.key('borrowed', 'shared', ['borrowed'], { providerRef });
  await given.admin.untilReady('AccessKey', given.namespace, 'borrowed', 60_000);
  return { bucket, key: 'borrowed', pair: await given.pairOf('borrowed') };
};

/** A public policy with this action. */
export const policyOf = (action: string) => ({
  statement: [{ effect: 'Allow', principal: '*', action, resource: 'arn:aws:s3:::${bucket}/*' }],
});

/** Somebody else's bucket that was granted to the tenant, and has its policy; all three have one name. */
export const granted = async (given: Case) => {
  const name = given.freshName('granted');
  await given.admin.create('Bucket', undisclosed, name, {
    spec: {
      providerRef: { name: 'shared', namespace: platform },
      name,
      allowedNamespaces: { names: [given.namespace] },
      ...openAccess,
    },
  });
  await given.admin.untilReady('Bucket', undisclosed, name);
  await given.tenant.create('BucketPolicy', given.namespace, name, {
    spec: { bucketRef: { name, namespace: undisclosed }, policy: policyOf('s3:GetObject') },
  });
  await given.admin.untilReady('BucketPolicy', given.namespace, name);
  given.namesHidden = false;
  return { view: s3View(given.world.server('minio')), bucket: name, name, policy: name };
};
