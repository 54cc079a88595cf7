import type { Resource } from '@operator/runtime';

/** Kubernetes Secrets, for watches by name. */
export const secretResource: Resource = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets' };
