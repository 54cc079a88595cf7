import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderManifests } from './render.ts';

const accessKey = (spec: string): string => `
apiVersion: s3.cloud37.dev/v1alpha1
kind: AccessKey
metadata: { name: app, namespace: team-a }
spec:
  providerRef: { name: store, namespace: platform }
  access: [{ bucketRef: { name: photos }, level: ReadWrite, prefix: a/ }, { bucketRef: { name: photos }, level: ReadOnly }]
${spec}
`;
const provider = `
---
kind: Provider
metadata: { name: store, namespace: platform }
spec:
  type: minio
  endpoint: http://minio.platform:9000
  region: eu-central-1
  auth: { accessKeySecretRef: { name: root, key: a }, secretKeySecretRef: { name: root, key: s } }
---
kind: Bucket
metadata: { name: photos, namespace: team-a }
spec: { providerRef: { name: store, namespace: platform }, name: team-a-photos }
`;
const rendered = (text: string) => {
  const { text: output, problems } = renderManifests(text);
  return { documents: parseAllDocuments(output).map((document) => document.toJS() as unknown), problems };
};

describe('renderManifests', () => {
  it('renders the Secret with samples where an AccessKey stands alone', () => {
    const { documents, problems } = rendered(accessKey("  secretTemplate: { data: { url: '$(endpoint)/$(bucket)' } }"));
    expect(problems).toEqual([]);
    expect(documents).toEqual([
      expect.objectContaining({
        kind: 'Secret',
        metadata: { namespace: 'team-a', name: 'app-credentials' },
        stringData: expect.objectContaining({
          url: 'https://s3.example.com/photos',
          'bucket-photos': 'photos',
          'access-key-id': 'AKIAIOSFODNN7EXAMPLE',
        }) as object,
      }),
    ]);
  });

  it('takes Provider and Buckets from the same manifests, and renders the ConfigMap', () => {
    const { documents, problems } = rendered(
      accessKey('  secretName: rook\n  secretTemplate: { presets: [RookObjectBucketClaim] }') + provider,
    );
    expect(problems).toEqual([]);
    expect(documents).toEqual([
      expect.objectContaining({
        kind: 'Secret',
        stringData: expect.objectContaining({
          endpoint: 'http://minio.platform:9000',
          'force-path-style': 'true',
        }) as object,
      }),
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'team-a', name: 'rook' },
        data: {
          BUCKET_HOST: 'minio.platform',
          BUCKET_PORT: '9000',
          BUCKET_NAME: 'team-a-photos',
          BUCKET_REGION: 'eu-central-1',
          BUCKET_SUBREGION: '',
        },
      },
    ]);
  });

  it.each<[string, string, RegExp]>([
    [
      'a template that is wrong',
      accessKey('  secretTemplate: { data: { a: "x\\n$(no)" } }'),
      /^AccessKey app: TemplateInvalid: spec\.secretTemplate\.data\["a"\], line 2, column 1: there is no value "no"/,
    ],
    [
      'an unknown preset',
      accessKey('  secretTemplate: { presets: [Mimir] }'),
      /^AccessKey app: spec\.secretTemplate\.presets\.0 /,
    ],
    ['no spec', 'kind: AccessKey\nmetadata: { name: app }', /^AccessKey app: spec/],
    ['no AccessKey', provider, /^There is no AccessKey in it\.$/],
    ['no YAML', 'a: [', /at line 1/],
  ])('says what is wrong: %s', (_title, text, want) => {
    const { text: output, problems } = renderManifests(text);
    expect(output).toBe('');
    expect(problems[0]).toMatch(want);
  });
});
