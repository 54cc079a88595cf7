import { badObjectName, casesFor, many, providerWith as provider, rulesNotChecked } from './case.ts';

const { accepts, refuses } = casesFor('Provider');

const auth = (change: Record<string, unknown>) => ({
  accessKeySecretRef: { name: 'credentials' },
  secretKeySecretRef: { name: 'credentials' },
  ...change,
});

export const providerCases = [
  accepts('a minimal Provider', provider()),
  ...['wasabi', 'aws', 'minio', 'custom'].map((type) => accepts(`type ${type}`, provider({ type }))),
  accepts(
    'a Provider with everything set',
    provider({
      type: 'custom',
      endpoint: 'https://s3.example.com:9000',
      iamEndpoint: 'https://iam.example.com',
      permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/team/bounds',
      iamRegion: 'us-east-1',
      adminEndpoint: 'https://admin.example.com:8443',
      auth: {
        accessKeySecretRef: { name: 'credentials', key: 'id' },
        secretKeySecretRef: { name: 'credentials', key: 'secret' },
        sessionTokenSecretRef: { name: 'credentials', key: 'token' },
      },
      tls: { insecureSkipVerify: false, caCertSecretRef: { name: 'ca', key: 'ca.pem' } },
      pathStyle: false,
      retry: { maxAttempts: 5, backoffStrategy: 'linear' },
      allowedNamespaces: {
        all: false,
        names: ['apps', 'team-1'],
        selector: {
          matchLabels: { tier: 'web' },
          matchExpressions: [
            { key: 'env', operator: 'In', values: ['dev'] },
            { key: 'team', operator: 'Exists' },
          ],
        },
      },
      requestsPerSecond: 250,
      checkIntervalSeconds: 30,
    }),
  ),
  accepts('an endpoint over http', provider({ endpoint: 'http://minio.storage.svc:9000' })),
  accepts('an endpoint by address', provider({ endpoint: 'http://127.0.0.1:9000' })),
  accepts('an endpoint by IPv6 address', provider({ endpoint: 'http://[::1]:9000' })),
  accepts('an endpoint on the last port', provider({ endpoint: 'http://192.168.255.255:65535' })),
  accepts('an endpoint whose name begins with digits', provider({ endpoint: 'http://10.0.0.256.example.com' })),
  accepts('an endpoint with a slash at its end', provider({ endpoint: 'https://s3.example.com/' })),
  accepts(
    'skip-verify when only IAM is on https',
    provider({ endpoint: 'http://minio:9000', iamEndpoint: 'https://iam:9001', tls: { insecureSkipVerify: true } }),
  ),
  accepts(
    'skip-verify when only the admin API is on https',
    provider({ endpoint: 'http://rgw:9000', adminEndpoint: 'https://admin:9001', tls: { insecureSkipVerify: true } }),
  ),
  accepts(
    'an http endpoint with a tls block that asks for nothing',
    provider({ endpoint: 'http://minio:9000', tls: {} }),
  ),
  accepts('a grant to nobody', provider({ allowedNamespaces: {} })),
  accepts('tag keys for borrowers', provider({ borrowerTagKeys: ['team', 'cost-centre'] })),
  accepts('a selector that matches all namespaces', provider({ allowedNamespaces: { selector: {} } })),
  accepts("a region of a server of one's own", provider({ region: 'garage' })),

  refuses(
    'an unknown type',
    provider({ type: 'gcs' }),
    ['spec.type', 'supported values: "wasabi", "aws", "minio", "custom"'],
    rulesNotChecked,
  ),
  refuses('no type', provider({ type: undefined }), ['spec.type', 'Required value'], rulesNotChecked),
  refuses('no endpoint', provider({ endpoint: undefined }), ['spec.endpoint', 'Required value'], rulesNotChecked),
  refuses('no region', provider({ region: undefined }), ['spec.region', 'Required value'], rulesNotChecked),
  refuses('no auth', provider({ auth: undefined }), ['spec.auth', 'Required value'], rulesNotChecked),
  refuses('no spec', undefined, ['spec', 'Required value'], rulesNotChecked),
  refuses(
    'no access key',
    provider({ auth: { secretKeySecretRef: { name: 'a' } } }),
    ['spec.auth.accessKeySecretRef', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'no secret key',
    provider({ auth: { accessKeySecretRef: { name: 'a' } } }),
    ['spec.auth.secretKeySecretRef', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'a Secret without name',
    provider({ auth: auth({ secretKeySecretRef: { key: 'a' } }) }),
    ['spec.auth.secretKeySecretRef.name', 'Required value'],
    rulesNotChecked,
  ),
  refuses(
    'a Secret with a name that none can have',
    provider({ auth: auth({ secretKeySecretRef: { name: 'My Secret' } }) }),
    ['spec.auth.secretKeySecretRef.name', badObjectName],
  ),
  refuses(
    'a key that no Secret can have',
    provider({ auth: auth({ secretKeySecretRef: { name: 'a', key: 'a b' } }) }),
    ['spec.auth.secretKeySecretRef.key', 'must be a key of a Secret'],
  ),
  refuses(
    'a Secret in another namespace',
    provider({ auth: auth({ secretKeySecretRef: { name: 'a', namespace: 'b' } }) }),
    ['', 'unknown field "spec.auth.secretKeySecretRef.namespace"'],
  ),
  refuses('credentials in place of a reference', provider({ auth: auth({ accessKey: 'AKIA' }) }), [
    '',
    'unknown field "spec.auth.accessKey"',
  ]),
  refuses('an endpoint without scheme', provider({ endpoint: 's3.example.com' }), [
    'spec.endpoint',
    'endpoint must be a URL that begins with http:// or https:// and names a host',
  ]),
  refuses('an endpoint of another scheme', provider({ endpoint: 'ftp://s3.example.com' }), [
    'spec.endpoint',
    'begins with http:// or https://',
  ]),
  refuses('an endpoint without host', provider({ endpoint: 'https://' }), ['spec.endpoint', 'names a host']),
  refuses(
    'an empty endpoint',
    provider({ endpoint: '' }),
    ['spec.endpoint', 'should be at least 1 chars long'],
    ['spec.endpoint', 'names a host'],
  ),
  refuses('an endpoint with a path', provider({ endpoint: 'https://s3.example.com/bucket' }), [
    'spec.endpoint',
    'endpoint must not have a path',
  ]),
  refuses('an endpoint with a query', provider({ endpoint: 'https://s3.example.com?x=1' }), [
    'spec.endpoint',
    'endpoint must not have a query or a fragment',
  ]),
  refuses('an endpoint with a fragment', provider({ endpoint: 'https://s3.example.com/#x' }), [
    'spec.endpoint',
    'endpoint must not have a query or a fragment',
  ]),
  refuses('an endpoint with credentials', provider({ endpoint: 'https://user:secret@s3.example.com' }), [
    'spec.endpoint',
    'endpoint must not hold credentials; they come from Secrets',
  ]),
  refuses('an endpoint with a bad port', provider({ endpoint: 'https://s3.example.com:port' }), [
    'spec.endpoint',
    'endpoint must have a host name or address and at most a port',
  ]),
  ...['65536', '99999'].map((port) =>
    refuses(`an endpoint on port ${port}`, provider({ endpoint: `https://s3.example.com:${port}` }), [
      'spec.endpoint',
      'endpoint must have a port of 0 to 65535',
    ]),
  ),
  ...['10.0.0.256', '10.0.1', '1.2.3.4.5', '256', 's3.example.7', '010.0.0.1', '10.0.0.0x1', '10.0.0.1.'].map((host) =>
    refuses(`an endpoint at ${host}`, provider({ endpoint: `https://${host}:9000` }), [
      'spec.endpoint',
      'endpoint must have an address of four numbers of 0 to 255, or a name that does not end in a number',
    ]),
  ),
  refuses('an IAM endpoint at no address', provider({ iamEndpoint: 'https://10.0.0.256' }), [
    'spec.iamEndpoint',
    'iamEndpoint must have an address of four numbers',
  ]),
  refuses('an endpoint with a space', provider({ endpoint: 'https://s3 example.com' }), [
    'spec.endpoint',
    'endpoint must have a host name or address and at most a port',
  ]),
  refuses(
    'a very long endpoint',
    provider({ endpoint: `https://${'a'.repeat(600)}.com` }),
    ['spec.endpoint', 'may not be more than 512'],
    rulesNotChecked,
  ),
  ...['bounds', 'arn:aws:iam::123456789012:role/bounds', 'arn:aws:iam::123456789012:policy/a b'].map((arn) =>
    refuses(`the permissions boundary ${arn}`, provider({ type: 'aws', permissionsBoundaryArn: arn }), [
      'spec.permissionsBoundaryArn',
      'permissionsBoundaryArn must be the ARN of a policy',
    ]),
  ),
  refuses(
    'a permissions boundary on MinIO',
    provider({ type: 'minio', permissionsBoundaryArn: 'arn:aws:iam::123456789012:policy/bounds' }),
    ['spec.permissionsBoundaryArn', 'MinIO has no permissions boundaries'],
  ),
  refuses('an IAM endpoint with a path', provider({ iamEndpoint: 'https://iam.example.com/iam' }), [
    'spec.iamEndpoint',
    'iamEndpoint must not have a path',
  ]),
  refuses('an admin endpoint with a path', provider({ adminEndpoint: 'https://rgw.example.com/admin' }), [
    'spec.adminEndpoint',
    'adminEndpoint must not have a path',
  ]),
  refuses('an admin endpoint without a scheme', provider({ adminEndpoint: 'rgw.example.com' }), [
    'spec.adminEndpoint',
    'adminEndpoint must be a URL that begins with http:// or https://',
  ]),
  refuses('an admin endpoint with credentials', provider({ adminEndpoint: 'https://root:secret@rgw.example.com' }), [
    'spec.adminEndpoint',
    'adminEndpoint must not hold credentials',
  ]),
  refuses('a region with a space', provider({ region: 'us east' }), ['spec.region', 'a region has letters, digits']),
  refuses(
    'an empty region',
    provider({ region: '' }),
    ['spec.region', 'should be at least 1 chars long'],
    ['spec.region', 'a region has letters, digits'],
  ),
  refuses('skip-verify on http', provider({ endpoint: 'http://minio:9000', tls: { insecureSkipVerify: true } }), [
    'spec.tls',
    'need an endpoint that begins with https://',
  ]),
  refuses('a CA on http', provider({ endpoint: 'http://minio:9000', tls: { caCertSecretRef: { name: 'ca' } } }), [
    'spec.tls',
    'need an endpoint that begins with https://',
  ]),
  refuses('no attempt at all', provider({ retry: { maxAttempts: 0 } }), [
    'spec.retry.maxAttempts',
    'should be greater than or equal to 1',
  ]),
  refuses('too many attempts', provider({ retry: { maxAttempts: 21 } }), [
    'spec.retry.maxAttempts',
    'should be less than or equal to 20',
  ]),
  refuses(
    'an unknown back-off',
    provider({ retry: { backoffStrategy: 'random' } }),
    ['spec.retry.backoffStrategy', 'supported values: "exponential", "linear"'],
    rulesNotChecked,
  ),
  refuses('no call at all', provider({ requestsPerSecond: 0 }), [
    'spec.requestsPerSecond',
    'should be greater than or equal to 1',
  ]),
  refuses('a check every second', provider({ checkIntervalSeconds: 1 }), [
    'spec.checkIntervalSeconds',
    'should be greater than or equal to 5',
  ]),
  refuses(
    'text in place of a boolean',
    provider({ pathStyle: 'yes' }),
    ['spec.pathStyle', 'must be of type boolean'],
    rulesNotChecked,
  ),
  refuses('an unknown key', provider({ endpointUrl: 'x' }), ['', 'unknown field "spec.endpointUrl"']),
  refuses('a key in the wrong case', provider({ pathstyle: true }), ['', 'unknown field "spec.pathstyle"']),
  refuses("a tag key for borrowers that is the operator's own", provider({ borrowerTagKeys: ['s3.cloud37.dev/uid'] }), [
    'spec.borrowerTagKeys[0]',
    "tag keys that begin with 'aws:' or 's3.cloud37.dev/' cannot be set",
  ]),
  refuses('a namespace that none can be called', provider({ allowedNamespaces: { names: ['Team_1'] } }), [
    'spec.allowedNamespaces.names[0]',
    'must be the name of a namespace',
  ]),
  refuses(
    'In without values',
    provider({ allowedNamespaces: { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] } } }),
    ['spec.allowedNamespaces.selector.matchExpressions[0]', 'values are needed for In and NotIn'],
  ),
  refuses(
    'Exists with values',
    provider({
      allowedNamespaces: { selector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
    }),
    ['spec.allowedNamespaces.selector.matchExpressions[0]', 'not allowed for Exists'],
  ),
  refuses(
    'too many namespaces',
    provider({ allowedNamespaces: { names: many(201, (index) => `n${String(index)}`) } }),
    ['spec.allowedNamespaces.names', 'must have at most 200 items'],
    rulesNotChecked,
  ),
];
