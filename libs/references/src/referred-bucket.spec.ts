import { bucketSpec } from '@operator/testing';
import { expect, it } from 'vitest';
import { trimReferredBucket } from './referred-bucket.ts';
import { objectOf } from './testing/index.ts';

const condition = {
  type: 'Ready',
  status: 'True' as const,
  reason: 'Ready',
  message: 'Everything is as declared.',
  observedGeneration: 1,
  lastTransitionTime: '2026-05-01T00:00:00Z',
};

const trimmed = (ready: 'True' | 'False') =>
  trimReferredBucket(
    objectOf('Bucket', 'photos', bucketSpec({ tagging: { tags: { team: 'a' } }, allowedNamespaces: { all: true } }), {
      metadata: {
        labels: { app: 'shop' },
        annotations: { note: 'long', 's3.cloud37.dev/confirm-withdrawal': 'team-b' },
        deletionTimestamp: '2026-05-02T00:00:00Z',
      },
      status: {
        exists: true,
        ownership: 'Created' as const,
        bucketName: 'photos',
        endpoint: 'http://server',
        managed: { tagging: ['team'] },
        conditions: [
          { ...condition, type: 'Other' },
          { ...condition, status: ready },
        ],
      },
    }),
  );

it('keeps of a Bucket what those who refer to it need, and nothing else', () => {
  const { metadata, spec, status } = trimmed('True');
  expect(metadata).not.toHaveProperty('labels');
  expect(metadata.annotations).toEqual({ 's3.cloud37.dev/confirm-withdrawal': 'team-b' });
  expect(metadata).toMatchObject({ name: 'photos', namespace: 'team-a', deletionTimestamp: '2026-05-02T00:00:00Z' });
  expect(Object.keys(spec)).toEqual(['name', 'providerRef', 'allowedNamespaces', 'adoptionPolicy']);
  expect(status).toEqual({
    exists: true,
    ownership: 'Created',
    bucketName: 'photos',
    endpoint: 'http://server',
    conditions: [expect.objectContaining({ type: 'Ready', status: 'True' })],
  });
});

it('keeps that Buckets are Ready once for all', () => {
  expect(trimmed('True').status?.conditions).toBe(trimmed('True').status?.conditions);
});

it('keeps why a Bucket is not Ready', () => {
  expect(trimmed('False').status?.conditions).toEqual([{ ...condition, status: 'False' }]);
});
