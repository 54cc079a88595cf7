import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../paths.ts';
import { BadInput, readCommand } from './command.ts';

const at = ['--type', 'custom', '--endpoint', 'https://s3.example.com'];

describe('the command line of the conformance suite', () => {
  it('takes a server with defaults for the rest', () => {
    expect(readCommand(at)).toEqual({
      does: 'run',
      at: { type: 'custom', endpoint: 'https://s3.example.com', region: 'us-east-1', pathStyle: true },
      bucketPrefix: 'conformance-',
      profiles: ['Bucket', 'Policy', 'Keys', 'Events'],
      parallel: 8,
    });
  });

  it('takes everything that can be said of a server', () => {
    const dir = mkdtempSync(join(tmpdir(), 'command-'));
    const ca = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n';
    writeFileSync(join(dir, 'ca.pem'), ca);
    writeFileSync(join(dir, 'seed'), 'JBSWY3DPEHPK3PXP\n');
    const device = ['--mfa-serial', 'arn:aws:iam::123456789012:mfa/root', '--mfa-seed-file', join(dir, 'seed')];
    const more = ['--region', 'eu', '--iam-endpoint', 'https://iam.example.com/', '--ca-file', join(dir, 'ca.pem')];
    const rest = [
      '--host-style',
      '--event-arn',
      'arn:aws:sqs:eu:1:q',
      '--replication-role',
      'arn:aws:iam::123456789012:role/copies',
      '--trail',
      'audit',
      '--bucket-prefix',
      'try-',
      '--profiles',
      'Keys,Policy',
      '--parallel',
      '2',
    ];
    expect(readCommand([...at, ...more, ...device, ...rest, '--report', 'r.yaml'])).toEqual({
      does: 'run',
      at: {
        type: 'custom',
        endpoint: 'https://s3.example.com',
        region: 'eu',
        iamEndpoint: 'https://iam.example.com',
        pathStyle: false,
        events: { list: 'sqs', arn: 'arn:aws:sqs:eu:1:q' },
        replicationRole: 'arn:aws:iam::123456789012:role/copies',
        trail: 'audit',
        mfaDevice: { serial: 'arn:aws:iam::123456789012:mfa/root', seed: 'JBSWY3DPEHPK3PXP' },
        ca,
      },
      bucketPrefix: 'try-',
      profiles: ['Keys', 'Policy'],
      parallel: 2,
      report: 'r.yaml',
    });
    rmSync(dir, { recursive: true });
  });

  it.each([
    ['nothing at all', [], '--type is missing. Give one of aws, wasabi, minio, custom.'],
    ['no endpoint', ['--type', 'aws'], '--endpoint is missing.'],
    ['a wrong type', ['--type', 'gcs', '--endpoint', 'https://x'], '--type is "gcs". Give one of aws'],
    ['no URL', ['--type', 'aws', '--endpoint', 's3.example.com'], '--endpoint is not a valid URL: "s3.example.com".'],
    ['a path', ['--type', 'aws', '--endpoint', 'https://x/bucket'], 'has a path, a query or a fragment'],
    ['a server that is unknown', ['--server', 'garage'], '--server is "garage". Give one of minio'],
    ['a server and an endpoint', ['--server', 'minio', '--endpoint', 'https://x'], 'leave out --endpoint'],
    ['to clean a server that ends', ['--server', 'minio', '--clean'], '--clean is for your own server'],
    [
      'a bucket for events',
      [...at, '--event-arn', 'arn:aws:s3:::b'],
      '--event-arn is "arn:aws:s3:::b". Give the ARN of a queue',
    ],
    ['a role by its name', [...at, '--replication-role', 'copies'], '--replication-role is "copies". Give the ARN of'],
    ['a prefix with capitals', [...at, '--bucket-prefix', 'Upper'], '--bucket-prefix is "Upper".'],
    ['a prefix that is too long', [...at, '--bucket-prefix', 'x'.repeat(26)], '--bucket-prefix has 26 characters.'],
    ['an unknown profile', [...at, '--profiles', 'Bucket,Rest'], '--profiles is "Rest".'],
    ['no number', [...at, '--parallel', 'many'], '--parallel is "many".'],
    ['a device without its seed', [...at, '--mfa-serial', 'x'], '--mfa-seed-file is missing.'],
    ['a seed without its device', [...at, '--mfa-seed-file', 'x'], '--mfa-serial is missing.'],
    ['a seed that is none', [...at, '--mfa-serial', 'x', '--mfa-seed-file', join(projectRoot, 'LICENSE')], 'base32'],
    ['a file that is missing', [...at, '--ca-file', '/no/such/file'], 'there is no file /no/such/file'],
    ['a file without a certificate', [...at, '--ca-file', join(projectRoot, 'package.json')], 'holds no PEM'],
    ['an option that does not exist', [...at, '--secret-key', 'x'], "Unknown option '--secret-key'"],
    ['--check alone', ['--check'], '--check has no meaning without --matrix.'],
    ['--matrix with a server', ['--matrix', '--server', 'minio'], '--server has no meaning with --matrix.'],
  ])('refuses %s, and says what to do', (_title, args, message) => {
    expect(() => readCommand(args)).toThrow(BadInput);
    expect(() => readCommand(args)).toThrow(message);
  });

  it('does not repeat a password that stands in a URL', () => {
    const run = () => readCommand(['--type', 'aws', '--endpoint', 'https://user:hidden@s3.example.com']);
    expect(run).toThrow('--endpoint has credentials in it.');
    expect(run).not.toThrow('hidden');
  });
});
