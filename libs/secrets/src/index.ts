export { createOwnWrites } from './own-writes.ts';
export type { OwnWrites } from './own-writes.ts';
export { deleteOwnedConfigMap, deleteOwnedSecret, openOwnedConfigMap, openOwnedSecret } from './owned-secret.ts';
export type { ConfigMapContent, OpenedConfigMap, OpenedSecret, SecretContent, SecretOwner } from './owned-secret.ts';
export { createProverSource } from './proof-key.ts';
export type { ProverSource } from './proof-key.ts';
export { readSecret, secretValue } from './read-secret.ts';
export type { SecretForm, StoredSecret } from './read-secret.ts';
export { secretResource } from './secret-resource.ts';
