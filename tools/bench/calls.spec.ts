import { expect, it } from 'vitest';
import { callsBetween, countCalls, isKubeRead, isWrite, readCalls, tellCalls } from './calls.ts';

const metrics = (puts: number) => `# HELP wasabi_s3_operator_external_calls_total Requests to storage servers.
wasabi_s3_operator_external_calls_total{service="s3",operation="HeadBucket",code="OK",controller="c"} 7
wasabi_s3_operator_external_calls_total{service="s3",operation="PutBucketTagging",code="OK",controller="c"} ${puts}
wasabi_s3_operator_external_calls_total{service="s3",operation="PutBucketTagging",code="Timeout",controller="c"} 1
wasabi_s3_operator_external_call_duration_seconds_count{service="s3",operation="HeadBucket"} 7
wasabi_s3_operator_kubernetes_requests_total{verb="update",resource="leases",code="200",controller="c"} 4
wasabi_s3_operator_kubernetes_requests_total{verb="apply",resource="buckets",code="200",controller="c"} 3`;

it('names calls, adds up their codes and subtracts what was before', () => {
  const calls = callsBetween(readCalls(metrics(1)), readCalls(metrics(3)));
  expect([...calls]).toEqual([['s3 PutBucketTagging', 2]]);
  expect([...readCalls(metrics(1)).keys()]).toEqual([
    's3 HeadBucket',
    's3 PutBucketTagging',
    'kubernetes update leases',
    'kubernetes apply buckets',
  ]);
});

it('tells writes from reads and from leases', () => {
  const calls = readCalls(metrics(1));
  expect(countCalls(calls, isWrite)).toBe(2 + 3);
  expect(tellCalls(calls, isWrite)).toBe('2× s3 PutBucketTagging, 3× kubernetes apply buckets');
  expect(countCalls(calls, isKubeRead)).toBe(0);
});

it.each([
  ['minio-admin ListServiceAccounts', false],
  ['minio-admin InfoCannedPolicy', false],
  ['minio-admin AddUser', true],
  ['iam CreateUser', true],
  ['kubernetes create events', true],
  ['kubernetes watch buckets', false],
])('reads %s as a write: %s', (name, expected) => {
  expect(isWrite(name)).toBe(expected);
});
