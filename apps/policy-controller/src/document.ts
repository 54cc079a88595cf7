import { parsePolicy, renderPolicy, sameButForGoneUsers, samePolicy, type IamPolicy } from '@operator/policy';
import type { BucketPolicy, PolicyDeps } from './deps.ts';

/** A document as a server has it. */
export type StoredDocument = Readonly<Record<string, unknown>>;

/** Stands for the user behind an AccessKey that is gone, or has none yet. */
const anybody = 'arn:aws:iam::000000000000:user/anybody';

/** The document of the spec; undefined when it is not well formed. */
export const documentOf = (
  { spec, metadata }: Pick<BucketPolicy, 'spec' | 'metadata'>,
  bucket: string,
  { accessKeyAt }: Pick<PolicyDeps, 'accessKeyAt'>,
): IamPolicy | undefined => {
  const parsed = parsePolicy(spec.policy, 'bucket', { bucket });
  if (!('document' in parsed)) return undefined;
  const resolvePrincipal = (name: string) => accessKeyAt(`${metadata.namespace}/${name}`)?.status?.userArn ?? anybody;
  return renderPolicy(parsed.document, { bucket, resolvePrincipal });
};

/** True when this is the document of the spec, but for users that are gone. */
export const isDocumentOf = (
  policy: Pick<BucketPolicy, 'spec' | 'metadata'>,
  current: StoredDocument,
  bucket: string,
  deps: Pick<PolicyDeps, 'accessKeyAt'>,
): boolean => {
  const document = documentOf(policy, bucket, deps);
  return document !== undefined && (samePolicy(current, document) || sameButForGoneUsers(current, document));
};
