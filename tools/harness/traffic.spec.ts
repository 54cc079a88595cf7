import { describe, expect, it } from 'vitest';
import { identifyKubeCall, identifyS3Call, tally } from './traffic.ts';

const group = '/apis/s3.cloud37.dev/v1alpha1';

describe('calls to the Kubernetes API', () => {
  it.each([
    ['GET', '/api/v1/namespaces/kube-system', 'get namespaces', 'read'],
    ['GET', `${group}/buckets?watch=true&allowWatchBookmarks=true`, 'watch buckets', 'watch'],
    ['GET', `${group}/buckets?watch=true&sendInitialEvents=true`, 'list buckets', 'read'],
    ['GET', `${group}/namespaces/a/buckets?limit=500`, 'list buckets', 'read'],
    ['GET', `${group}/namespaces/a/buckets/b`, 'get buckets', 'read'],
    ['PATCH', `${group}/namespaces/a/buckets/b/status?fieldManager=x`, 'patch buckets/status', 'write'],
    ['PATCH', '/api/v1/namespaces/a/secrets/s', 'patch secrets', 'write'],
    ['PUT', '/apis/coordination.k8s.io/v1/namespaces/a/leases/l', 'put leases', 'lease'],
    ['POST', '/api/v1/namespaces/a/events', 'post events', 'event'],
    ['POST', '/apis/events.k8s.io/v1/namespaces/a/events', 'post events', 'event'],
    ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'post selfsubjectaccessreviews', 'read'],
    ['GET', '/version', 'get /version', 'read'],
  ])('%s %s is %s, a %s', (method, path, operation, effect) => {
    expect(identifyKubeCall(method, path)).toEqual({ operation, effect });
  });
});

describe('calls to an S3 server', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  it.each([
    ['GET', '/', {}, '', 'ListBuckets', 'read'],
    ['GET', '/?max-buckets=1', {}, '', 'ListBuckets', 'read'],
    ['HEAD', '/mine', {}, '', 'HeadBucket', 'read'],
    ['PUT', '/mine', {}, '', 'CreateBucket', 'write'],
    ['DELETE', '/mine/', {}, '', 'DeleteBucket', 'write'],
    ['GET', '/mine?versioning', {}, '', 'GetBucketVersioning', 'read'],
    ['PUT', '/mine/?tagging=', {}, '', 'PutBucketTagging', 'write'],
    ['GET', '/mine?versions&prefix=', {}, '', 'ListObjectVersions', 'read'],
    ['POST', '/mine?delete', {}, '<Delete/>', 'DeleteObjects', 'write'],
    ['PUT', '/mine/a/key?x-id=PutObject', {}, '', 'PutObject', 'write'],
    ['POST', '/', form, 'Action=GetUser&UserName=a', 'iam:GetUser', 'read'],
    ['POST', '/', form, 'Action=CreateAccessKey', 'iam:CreateAccessKey', 'write'],
    ['POST', '/', { 'x-amz-target': 'CloudTrail_20131101.PutEventSelectors' }, '', 'json:PutEventSelectors', 'write'],
    ['PUT', '/minio/admin/v3/add-user?accessKey=a', {}, '', 'admin:add-user', 'write'],
    ['GET', '/minio/admin/v3/info', {}, '', 'admin:info', 'read'],
    ['POST', '/minio/admin/v3/idp/builtin/policy/attach', {}, '', 'admin:idp/builtin/policy/attach', 'write'],
  ])('%s %s is %5$s, a %6$s', (method, path, headers, body, operation, effect) => {
    expect(identifyS3Call(method, path, headers, body)).toEqual({ operation, effect });
  });
});

it('tallies operations in the order of their first call', () => {
  const call = (operation: string) =>
    ({ operation, effect: 'read', side: 's3', proxy: 'p', method: 'GET', path: '/' }) as const;
  expect(tally([call('HeadBucket'), call('GetBucketTagging'), call('HeadBucket')])).toBe(
    '2× HeadBucket, GetBucketTagging',
  );
});
