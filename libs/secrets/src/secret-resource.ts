import type { Resource } from '@operator/runtime';

/** Kubernetes Secrets, for watches by name. */
export const secretResource: Resource = { group: '', version: 'v1', kind: 'Secret', plural: 'secrets' };

/** Kubernetes ConfigMaps: what an app reads beside a Secret. */
export const configMapResource: Resource = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps' };
