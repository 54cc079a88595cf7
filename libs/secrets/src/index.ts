export { createOwnWrites } from './own-writes.ts';
export type { OwnWrites } from './own-writes.ts';
export { deleteOwnedSecret, openOwnedSecret } from './owned-secret.ts';
export type { OpenedSecret, SecretContent, SecretOwner } from './owned-secret.ts';
export { readSecret, secretValue } from './read-secret.ts';
export type { SecretForm, StoredSecret } from './read-secret.ts';
export { secretResource } from './secret-resource.ts';
