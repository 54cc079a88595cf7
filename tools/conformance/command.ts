import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { ProviderSpec } from '@operator/api';
import type { Surroundings } from '@operator/testing/declarations';
import { profiles, type Profile } from './report.ts';

/** The servers that this project starts by itself. */
export const ownServers = ['minio', 'moto', 'versitygw', 'seaweedfs', 'ceph'] as const;
export type OwnServer = (typeof ownServers)[number];

/** A device of the administrator, which the server knows. */
export interface MfaDevice {
  readonly serial: string;
  /** In base32. */
  readonly seed: string;
}

/** Somebody's server, as its owner describes it. Its credentials come from elsewhere: a command line is seen by everybody. */
export interface TheirServer {
  readonly type: ProviderSpec['type'];
  readonly endpoint: string;
  readonly region: string;
  readonly iamEndpoint?: string;
  readonly adminEndpoint?: string;
  readonly pathStyle: boolean;
  /** Where notifications may go, and the list of a Bucket that it belongs to. */
  readonly events?: Surroundings['events'];
  /** ARN of the IAM role that copies objects. */
  readonly replicationRole?: string;
  /** Name or ARN of the trail that records data events. */
  readonly trail?: string;
  /** What makes the codes that switch MFA delete. */
  readonly mfaDevice?: MfaDevice;
  /** PEM. */
  readonly ca?: string;
}

export interface RunCommand {
  readonly does: 'run' | 'clean';
  readonly at: OwnServer | TheirServer;
  readonly bucketPrefix: string;
  readonly profiles: readonly Profile[];
  /** Scenarios that run side by side. */
  readonly parallel: number;
  /** Where the report goes; standard output when absent. */
  readonly report?: string;
}

/** Writes docs/compatibility.md from the kept reports, or says whether it is current. */
export interface MatrixCommand {
  readonly does: 'matrix';
  readonly check: boolean;
}

/** Something on the command line or in the environment is wrong; the message says what, and what to do. */
export class BadInput extends Error {}

export const usage = `usage: npm run conformance -- --type aws|wasabi|minio|custom --endpoint URL [options]
       npm run conformance -- --server ${ownServers.join('|')} [options]
       npm run conformance -- --clean --type … --endpoint URL [--bucket-prefix TEXT]
       npm run conformance -- --matrix [--check]

Runs the operator, on a Kubernetes API of its own on this machine, against an S3 server, and writes what that server has.

  --type TYPE            which driver speaks to the server
  --endpoint URL         its S3 API
  --region NAME          default us-east-1
  --iam-endpoint URL     its IAM API; on type custom no AccessKeys without it
  --admin-endpoint URL   its own admin API, which quotas need on Ceph RGW
  --event-arn ARN        a queue or topic that may get notifications; without it they are not tried
  --replication-role ARN the IAM role that copies objects; on type aws no replication without it
  --trail NAME           a CloudTrail trail with classic event selectors; on type aws no data events of buckets without it
  --mfa-serial SERIAL    an MFA device of the administrator; without it a server that asks for codes is not tried
  --mfa-seed-file FILE   holds the seed of that device, in base32
  --ca-file FILE         PEM certificates to trust besides the usual roots
  --host-style           the bucket stands in the host name, not in the path
  --server NAME          starts a server of this project in place of all these
  --bucket-prefix TEXT   names of buckets begin so; default conformance-
  --profiles LIST        some of ${profiles.join(',')}; default all
  --parallel N           scenarios side by side, each with a few buckets; default 8
  --report FILE          where the report (YAML) goes; default standard output
  --clean                removes what a killed run left: buckets of this prefix that have the owner tags of such a run
  --matrix               writes docs/compatibility.md from docs/conformance; --check: only says whether it is current

Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or from a file as the AWS CLI has it
(AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials, with AWS_PROFILE). Never on the command line.
Exit status: 0 all cases passed, 1 a case failed, 2 wrong input or server not reachable, 130 interrupted.`;

const types = ['aws', 'wasabi', 'minio', 'custom'] as const;

/** @throws BadInput */
export const readCommand = (args: readonly string[]): RunCommand | MatrixCommand => {
  const values = parse(args);
  if (values.matrix === true) {
    const other = Object.keys(values).find((name) => name !== 'matrix' && name !== 'check');
    if (other !== undefined) throw new BadInput(`--${other} has no meaning with --matrix. Leave it out.`);
    return { does: 'matrix', check: values.check ?? false };
  }
  if (values.check === true) throw new BadInput('--check has no meaning without --matrix.');
  return {
    does: values.clean === true ? 'clean' : 'run',
    at: placeIn(values),
    bucketPrefix: prefixIn(values['bucket-prefix'] ?? 'conformance-'),
    profiles: profilesIn(values.profiles),
    parallel: countIn(values.parallel ?? '8'),
    ...(values.report === undefined ? {} : { report: values.report }),
  };
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        type: { type: 'string' },
        endpoint: { type: 'string' },
        region: { type: 'string' },
        'iam-endpoint': { type: 'string' },
        'admin-endpoint': { type: 'string' },
        'event-arn': { type: 'string' },
        'replication-role': { type: 'string' },
        trail: { type: 'string' },
        'mfa-serial': { type: 'string' },
        'mfa-seed-file': { type: 'string' },
        'ca-file': { type: 'string' },
        'host-style': { type: 'boolean' },
        server: { type: 'string' },
        'bucket-prefix': { type: 'string' },
        profiles: { type: 'string' },
        parallel: { type: 'string' },
        report: { type: 'string' },
        clean: { type: 'boolean' },
        matrix: { type: 'boolean' },
        check: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new BadInput(error instanceof Error ? error.message : String(error), { cause: error });
  }
};
type Values = ReturnType<typeof parse>;

const ofTheirs = [
  'type',
  'endpoint',
  'region',
  'iam-endpoint',
  'admin-endpoint',
  'event-arn',
  'replication-role',
  'trail',
  'mfa-serial',
  'mfa-seed-file',
  'ca-file',
  'host-style',
] as const;

const placeIn = (values: Values): OwnServer | TheirServer => {
  const described = ofTheirs.filter((name) => values[name] !== undefined);
  if (values.server !== undefined) {
    if (described[0] !== undefined)
      throw new BadInput(`--server starts a server that is known: leave out --${described.join(', --')}.`);
    if (values.clean === true)
      throw new BadInput('--clean is for your own server; what --server starts goes with the run.');
    return oneOf('--server', ownServers, values.server);
  }
  if (values.type === undefined) throw new BadInput(`--type is missing. Give one of ${types.join(', ')}.`);
  const type = oneOf('--type', types, values.type);
  if (values.endpoint === undefined)
    throw new BadInput('--endpoint is missing. Give the URL of the S3 API, such as https://s3.example.com.');
  const iam = values['iam-endpoint'];
  const admin = values['admin-endpoint'];
  const eventArn = values['event-arn'];
  const replicationRole = values['replication-role'];
  const { trail } = values;
  const mfaDevice = deviceIn(values['mfa-serial'], values['mfa-seed-file']);
  const caFile = values['ca-file'];
  return {
    type,
    endpoint: urlIn('--endpoint', values.endpoint),
    region: values.region ?? 'us-east-1',
    ...(iam === undefined ? {} : { iamEndpoint: urlIn('--iam-endpoint', iam) }),
    ...(admin === undefined ? {} : { adminEndpoint: urlIn('--admin-endpoint', admin) }),
    pathStyle: values['host-style'] !== true,
    ...(eventArn === undefined ? {} : { events: eventsIn(eventArn) }),
    ...(replicationRole === undefined ? {} : { replicationRole: roleIn(replicationRole) }),
    ...(trail === undefined ? {} : { trail }),
    ...(mfaDevice === undefined ? {} : { mfaDevice }),
    ...(caFile === undefined ? {} : { ca: certificatesIn(caFile) }),
  };
};

const oneOf = <T extends string>(option: string, allowed: readonly T[], value: string): T => {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new BadInput(`${option} is "${value}". Give one of ${allowed.join(', ')}.`);
  return found;
};

const urlIn = (option: string, value: string): string => {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new BadInput(`${option} is not a valid URL: "${value}". Begin it with https:// or http://.`);
  // The value is not repeated: it may hold a password.
  if (url.username !== '' || url.password !== '')
    throw new BadInput(`${option} has credentials in it. Give them by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new BadInput(`${option} has a path, a query or a fragment: "${value}". Give scheme, host and port alone.`);
  return value.replace(/\/$/, '');
};

/** An ARN is `arn:partition:service:region:account:name`. Source: IAM User Guide, Amazon Resource Names */
const eventsIn = (arn: string): NonNullable<TheirServer['events']> => {
  const service = /^arn:[^:]+:([^:]+):/.exec(arn)?.[1];
  if (service !== 'sqs' && service !== 'sns')
    throw new BadInput(
      `--event-arn is "${arn}". Give the ARN of a queue or a topic, such as arn:aws:sqs:eu-west-1:123456789012:events.`,
    );
  return { list: service, arn };
};

const roleIn = (arn: string): string => {
  if (!/^arn:[^:]+:iam::\d{12}:role\/./.test(arn))
    throw new BadInput(
      `--replication-role is "${arn}". Give the ARN of an IAM role, such as arn:aws:iam::123456789012:role/copies.`,
    );
  return arn;
};

const textIn = (option: string, path: string): string => {
  if (!existsSync(path)) throw new BadInput(`${option}: there is no file ${path}.`);
  return readFileSync(path, 'utf8');
};

/** The seed stands in a file, as credentials do: a command line is seen by everybody. */
const deviceIn = (serial: string | undefined, seedFile: string | undefined): MfaDevice | undefined => {
  if (serial === undefined && seedFile === undefined) return undefined;
  if (serial === undefined) throw new BadInput('--mfa-serial is missing. Give the serial number of the device.');
  if (seedFile === undefined)
    throw new BadInput('--mfa-seed-file is missing. Give a file that holds the seed of the device, in base32.');
  const seed = textIn('--mfa-seed-file', seedFile).trim();
  // The text is not repeated: it may be a seed with one wrong letter.
  if (!/^[A-Z2-7]+=*$/i.test(seed))
    throw new BadInput(
      `--mfa-seed-file: ${seedFile} does not hold a seed in base32, which has the letters A-Z and 2-7.`,
    );
  return { serial, seed };
};

const certificatesIn = (path: string): string => {
  const text = textIn('--ca-file', path);
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new BadInput(`--ca-file: ${path} holds no PEM certificate. It must have -----BEGIN CERTIFICATE-----.`);
  return text;
};

/** As much as leaves room for the name of a run and of a bucket in the 63 characters of a bucket's name. */
const longestPrefix = 25;

const prefixIn = (value: string): string => {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(value) || value.startsWith('xn--'))
    throw new BadInput(
      `--bucket-prefix is "${value}". Use lower-case letters, digits and hyphens, beginning with a letter or digit.`,
    );
  if (value.length > longestPrefix)
    throw new BadInput(
      `--bucket-prefix has ${value.length} characters. Use at most ${longestPrefix}: the names of buckets go on.`,
    );
  return value;
};

const profilesIn = (value: string | undefined): readonly Profile[] =>
  value === undefined
    ? profiles
    : [...new Set(value.split(','))].map((name) => oneOf('--profiles', profiles, name.trim()));

const countIn = (value: string): number => {
  const count = Number(value);
  if (!Number.isInteger(count) || count < 1 || count > 32)
    throw new BadInput(`--parallel is "${value}". Give a whole number of 1 to 32.`);
  return count;
};
