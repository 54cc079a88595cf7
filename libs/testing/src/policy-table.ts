import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { onlyFault } from '@operator/outcome';
import { findLockouts, isStoredByArn, samePolicy, type IamPolicy } from '@operator/policy';
import { putBucketPolicy, type Connection, type Driver, type Part } from '@operator/s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordingContext } from './builders.ts';
import type { ServerUnderTest } from './conformance.ts';
import { independentClient } from './independent-client.ts';

/** Who asks: `bob` and `alice` have no rights of their own, `carol` and `dave` have all of S3. */
type Name = 'alice' | 'bob' | 'carol' | 'dave';
type Who = Name | 'anybody' | 'operator';

/** What is asked for: a call, and the key or the prefix that it is about. `other`: another bucket, without a policy. */
type Ask =
  | { readonly get: string; readonly from?: 'other' }
  | { readonly put: string }
  | { readonly delete: string }
  | { readonly list: string; readonly maxKeys?: number }
  | { readonly policy: 'read' };

type Answer = 'allowed' | 'denied';

/** Names for what a statement speaks of. */
interface Names {
  readonly bucket: string;
  readonly arn: (name: Name) => string;
  readonly account: string;
}

interface Case {
  readonly title: string;
  readonly statements: (names: Names) => readonly object[];
  /** Who asks for what, and what Amazon answers. */
  readonly asks: readonly (readonly [Who, Ask, Answer])[];
}

const one = { get: 'open/one' } as const;
const secret = { get: 'secret/one' } as const;

const allow = (rest: object) => ({ Effect: 'Allow', ...rest });
const deny = (rest: object) => ({ Effect: 'Deny', ...rest });
const everybody = { AWS: ['*'] };
const objects = ({ bucket }: Names, pattern = '*') => [`arn:aws:s3:::${bucket}/${pattern}`];
const itself = ({ bucket }: Names) => [`arn:aws:s3:::${bucket}`];
const both = (names: Names) => [...itself(names), ...objects(names)];
const reads = ['s3:GetObject'];

/** Source of the answers: IAM User Guide, Policy evaluation logic; Amazon S3 User Guide, Bucket policies. */
const cases: readonly Case[] = [
  {
    title: 'without a policy',
    statements: () => [],
    asks: [
      ['anybody', one, 'denied'],
      ['alice', one, 'denied'],
      ['carol', one, 'allowed'],
    ],
  },
  {
    title: 'everybody may read',
    statements: (names) => [allow({ Principal: everybody, Action: reads, Resource: objects(names) })],
    asks: [
      ['anybody', one, 'allowed'],
      ['anybody', { put: 'open/new' }, 'denied'],
      ['anybody', { list: '' }, 'denied'],
      ['alice', one, 'allowed'],
      ['anybody', { get: 'open/one', from: 'other' }, 'denied'],
    ],
  },
  {
    title: 'everybody may read below a prefix',
    statements: (names) => [allow({ Principal: everybody, Action: reads, Resource: objects(names, 'open/*') })],
    asks: [
      ['anybody', one, 'allowed'],
      ['anybody', secret, 'denied'],
    ],
  },
  {
    title: 'one user may read',
    statements: (names) => [
      allow({ Principal: { AWS: [names.arn('alice')] }, Action: reads, Resource: objects(names) }),
    ],
    asks: [
      ['alice', one, 'allowed'],
      ['bob', one, 'denied'],
      ['anybody', one, 'denied'],
      ['alice', { put: 'open/new' }, 'denied'],
      ['alice', { get: 'open/one', from: 'other' }, 'denied'],
    ],
  },
  {
    title: 'a user with rights of its own is denied some objects',
    statements: (names) => [
      deny({ Principal: { AWS: [names.arn('carol')] }, Action: reads, Resource: objects(names, 'secret/*') }),
    ],
    asks: [
      ['carol', secret, 'denied'],
      ['carol', one, 'allowed'],
      ['dave', secret, 'allowed'],
    ],
  },
  {
    title: 'nobody may delete',
    statements: (names) => [deny({ Principal: everybody, Action: ['s3:DeleteObject'], Resource: objects(names) })],
    asks: [
      ['carol', { delete: 'open/one' }, 'denied'],
      ['carol', one, 'allowed'],
    ],
  },
  {
    title: 'a denial goes before a permission',
    statements: (names) => [
      allow({ Principal: everybody, Action: ['s3:*'], Resource: both(names) }),
      deny({ Principal: everybody, Action: ['s3:PutObject'], Resource: objects(names) }),
    ],
    asks: [
      ['anybody', { put: 'open/new' }, 'denied'],
      ['anybody', one, 'allowed'],
      ['anybody', { list: '' }, 'allowed'],
    ],
  },
  {
    title: 'notAction',
    statements: (names) => [
      allow({ Principal: { AWS: [names.arn('alice')] }, NotAction: ['s3:DeleteObject'], Resource: objects(names) }),
    ],
    asks: [
      ['alice', one, 'allowed'],
      ['alice', { delete: 'open/one' }, 'denied'],
    ],
  },
  {
    title: 'a denial with notAction',
    statements: (names) => [
      deny({ Principal: { AWS: [names.arn('carol')] }, NotAction: reads, Resource: objects(names) }),
    ],
    asks: [
      ['carol', { delete: 'open/two' }, 'denied'],
      ['carol', one, 'allowed'],
    ],
  },
  {
    title: 'notResource',
    statements: (names) => [
      deny({ Principal: { AWS: [names.arn('carol')] }, Action: reads, NotResource: objects(names, 'open/*') }),
    ],
    asks: [
      ['carol', secret, 'denied'],
      ['carol', one, 'allowed'],
    ],
  },
  {
    title: 'notPrincipal',
    statements: (names) => [
      deny({
        NotPrincipal: { AWS: [names.arn('carol'), `arn:aws:iam::${names.account}:root`] },
        Action: reads,
        Resource: objects(names),
      }),
    ],
    asks: [
      ['dave', one, 'denied'],
      ['carol', one, 'allowed'],
    ],
  },
  {
    title: 'StringEquals s3:prefix',
    statements: (names) => [
      allow({
        Principal: { AWS: [names.arn('alice')] },
        Action: ['s3:ListBucket'],
        Resource: itself(names),
        Condition: { StringEquals: { 's3:prefix': ['open/'] } },
      }),
    ],
    asks: [
      ['alice', { list: 'open/' }, 'allowed'],
      ['alice', { list: 'secret/' }, 'denied'],
      ['alice', { list: '' }, 'denied'],
    ],
  },
  {
    title: 'StringLike s3:prefix',
    statements: (names) => [
      allow({
        Principal: { AWS: [names.arn('alice')] },
        Action: ['s3:ListBucket'],
        Resource: itself(names),
        Condition: { StringLike: { 's3:prefix': ['open/*'] } },
      }),
    ],
    asks: [
      ['alice', { list: 'open/sub/' }, 'allowed'],
      ['alice', { list: 'opened/' }, 'denied'],
    ],
  },
  {
    title: 'a denial with StringNotEquals s3:prefix',
    statements: (names) => [
      deny({
        Principal: { AWS: [names.arn('carol')] },
        Action: ['s3:ListBucket'],
        Resource: itself(names),
        Condition: { StringNotEquals: { 's3:prefix': ['open/'] } },
      }),
    ],
    asks: [
      ['carol', { list: 'secret/' }, 'denied'],
      ['carol', { list: '' }, 'denied'],
      ['carol', { list: 'open/' }, 'allowed'],
    ],
  },
  {
    title: 'a denial with StringNotEqualsIfExists s3:prefix',
    statements: (names) => [
      deny({
        Principal: { AWS: [names.arn('carol')] },
        Action: ['s3:ListBucket'],
        Resource: itself(names),
        Condition: { StringNotEqualsIfExists: { 's3:prefix': ['open/'] } },
      }),
    ],
    asks: [
      ['carol', { list: '' }, 'denied'],
      ['carol', { list: 'open/' }, 'allowed'],
    ],
  },
  {
    title: 'a denial with Null',
    statements: (names) => [
      deny({
        Principal: { AWS: [names.arn('carol')] },
        Action: ['s3:ListBucket'],
        Resource: itself(names),
        Condition: { Null: { 's3:prefix': ['true'] } },
      }),
    ],
    asks: [
      ['carol', { list: '' }, 'denied'],
      ['carol', { list: 'open/' }, 'allowed'],
    ],
  },
  {
    title: 'NumericLessThanEquals s3:max-keys',
    statements: (names) => [
      allow({
        Principal: { AWS: [names.arn('alice')] },
        Action: ['s3:ListBucket'],
        Resource: itself(names),
        Condition: { NumericLessThanEquals: { 's3:max-keys': ['10'] } },
      }),
    ],
    asks: [
      ['alice', { list: 'open/', maxKeys: 5 }, 'allowed'],
      ['alice', { list: 'open/', maxKeys: 500 }, 'denied'],
    ],
  },
  {
    title: 'IpAddress aws:SourceIp of ours',
    statements: (names) => [
      allow({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { IpAddress: { 'aws:SourceIp': ['127.0.0.0/8'] } },
      }),
    ],
    asks: [['anybody', one, 'allowed']],
  },
  {
    title: 'IpAddress aws:SourceIp of another network',
    statements: (names) => [
      allow({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { IpAddress: { 'aws:SourceIp': ['203.0.113.0/24'] } },
      }),
    ],
    asks: [['anybody', one, 'denied']],
  },
  {
    title: 'a denial with NotIpAddress aws:SourceIp',
    statements: (names) => [
      deny({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { NotIpAddress: { 'aws:SourceIp': ['203.0.113.0/24'] } },
      }),
    ],
    asks: [['carol', one, 'denied']],
  },
  {
    title: 'a denial without TLS',
    statements: (names) => [
      deny({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { Bool: { 'aws:SecureTransport': ['false'] } },
      }),
    ],
    asks: [['carol', one, 'denied']],
  },
  {
    title: 'a denial without TLS, with IfExists',
    statements: (names) => [
      deny({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { BoolIfExists: { 'aws:SecureTransport': ['false'] } },
      }),
    ],
    asks: [['carol', one, 'denied']],
  },
  {
    title: 'a time that is over',
    statements: (names) => [
      allow({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { DateLessThan: { 'aws:CurrentTime': ['2020-01-01T00:00:00Z'] } },
      }),
    ],
    asks: [['anybody', one, 'denied']],
  },
  {
    title: 'a time that has begun',
    statements: (names) => [
      allow({
        Principal: everybody,
        Action: reads,
        Resource: objects(names),
        Condition: { DateGreaterThan: { 'aws:CurrentTime': ['2020-01-01T00:00:00Z'] } },
      }),
    ],
    asks: [['anybody', one, 'allowed']],
  },
  {
    title: 'a condition key that the request does not have',
    statements: (names) => [
      allow({
        Principal: { AWS: [names.arn('alice')] },
        Action: reads,
        Resource: objects(names),
        Condition: { StringEquals: { 'aws:SourceVpce': ['vpce-1a2b3c4d'] } },
      }),
    ],
    asks: [['alice', one, 'denied']],
  },
  {
    title: 'wildcards in actions',
    statements: (names) => [
      allow({
        Principal: { AWS: [names.arn('alice')] },
        Action: ['s3:Get*', 's3:?utObject'],
        Resource: objects(names),
      }),
    ],
    asks: [
      ['alice', one, 'allowed'],
      ['alice', { put: 'open/new' }, 'allowed'],
      ['alice', { delete: 'open/one' }, 'denied'],
    ],
  },
  {
    title: 'wildcards within resources',
    statements: (names) => [allow({ Principal: everybody, Action: reads, Resource: objects(names, 'o?en/*ne') })],
    asks: [
      ['anybody', one, 'allowed'],
      ['anybody', { get: 'open/two' }, 'denied'],
    ],
  },
  {
    title: 'an action on the wrong level of resource',
    statements: (names) => [
      allow({
        Principal: { AWS: [names.arn('alice')] },
        Action: ['s3:ListBucket', 's3:GetObject'],
        Resource: objects(names),
      }),
    ],
    asks: [
      ['alice', one, 'allowed'],
      ['alice', { list: '' }, 'denied'],
    ],
  },
  {
    title: 'the operator is denied the policy itself',
    statements: (names) => [deny({ Principal: everybody, Action: ['s3:GetBucketPolicy'], Resource: itself(names) })],
    asks: [['operator', { policy: 'read' }, 'denied']],
  },
  {
    title: 'the whole account, whose users need rights of their own as well',
    statements: (names) => [
      allow({
        Principal: { AWS: [`arn:aws:iam::${names.account}:root`] },
        Action: reads,
        Resource: objects(names),
      }),
    ],
    asks: [
      ['anybody', one, 'denied'],
      ['alice', one, 'denied'],
    ],
  },
];

/** A row in which a server does not do as Amazon does. `refused`: it does not take the document. */
export interface Deviation {
  /** `title: who asks what`, or the title alone for a document that is refused. */
  readonly row: string;
  readonly is: Answer | 'refused';
  /** What the operator says of it: a part of the driver's `unsupported`; `refused` needs none, since the server's words are shown. */
  readonly told: Part | 'refusal';
}

const shown = (who: Who, ask: Ask): string => `${who} ${JSON.stringify(ask)}`;

/** What a server makes of bucket policies, by real requests: as many tests as there are rows. */
export const policyTable = ({
  name,
  start,
  deviations,
  createDriver,
}: {
  readonly name: string;
  readonly start: () => Promise<ServerUnderTest>;
  readonly deviations: readonly Deviation[];
  readonly createDriver: (connection: Connection) => Driver;
}): void => {
  describe(`bucket policies on ${name}`, () => {
    let server: ServerUnderTest;
    let admin: S3Client;
    let iam: IAMClient;
    const users = new Map<Name, { readonly arn: string; readonly client: S3Client }>();

    beforeAll(async () => {
      server = await start();
      const { endpoint, iamEndpoint = endpoint, region, credentials } = server.connection;
      const given = { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretAccessKey.reveal() };
      admin = independentClient({ endpoint, region, accessKey: given.accessKeyId, secretKey: given.secretAccessKey });
      iam = new IAMClient({ endpoint: iamEndpoint, region, credentials: given });
      for (const UserName of ['alice', 'bob', 'carol', 'dave'] as const) {
        const { User } = await iam.send(new CreateUserCommand({ UserName }));
        const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
        if (UserName === 'carol' || UserName === 'dave') {
          const statement = { Effect: 'Allow', Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] };
          const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
          await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'all', PolicyDocument }));
        }
        const [accessKey, secretKey] = [AccessKey?.AccessKeyId ?? '', AccessKey?.SecretAccessKey ?? ''];
        users.set(UserName, {
          arn: User?.Arn ?? '',
          client: independentClient({ endpoint, region, accessKey, secretKey }),
        });
      }
    });
    afterAll(async () => {
      for (const { client } of users.values()) client.destroy();
      admin.destroy();
      iam.destroy();
      await server.stop();
    });

    const make = async (): Promise<string> => {
      const Bucket = `policy-${randomUUID().slice(0, 13)}`;
      await admin.send(new CreateBucketCommand({ Bucket }));
      for (const Key of ['open/one', 'open/two', 'open/sub/one', 'secret/one'])
        await admin.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
      return Bucket;
    };

    /** 200 or 204 is allowed, 403 is denied; all else fails. */
    const judge = (status: number | undefined): Answer => {
      if (status === 403 || status === 401) return 'denied';
      if (status === 200 || status === 204) return 'allowed';
      throw new Error(`the server answered ${String(status)}`);
    };

    const askUnsigned = async (Bucket: string, ask: Ask): Promise<Answer> => {
      const at = new URL(server.connection.endpoint);
      const key = 'get' in ask ? ask.get : 'put' in ask ? ask.put : 'delete' in ask ? ask.delete : '';
      at.pathname = `/${Bucket}/${key}`;
      if ('list' in ask) at.search = new URLSearchParams({ 'list-type': '2', prefix: ask.list }).toString();
      const method = 'put' in ask ? 'PUT' : 'delete' in ask ? 'DELETE' : 'GET';
      const response = await fetch(at, { method, ...(method === 'PUT' ? { body: 'x' } : {}) });
      await response.arrayBuffer();
      return judge(response.status);
    };

    const askAs = async (client: S3Client, Bucket: string, ask: Ask): Promise<Answer> => {
      const send =
        'get' in ask
          ? client.send(new GetObjectCommand({ Bucket, Key: ask.get }))
          : 'put' in ask
            ? client.send(new PutObjectCommand({ Bucket, Key: ask.put, Body: 'x' }))
            : 'delete' in ask
              ? client.send(new DeleteObjectCommand({ Bucket, Key: ask.delete }))
              : 'policy' in ask
                ? client.send(new GetBucketPolicyCommand({ Bucket }))
                : client.send(
                    new ListObjectsV2Command({
                      Bucket,
                      ...(ask.list === '' ? {} : { Prefix: ask.list }),
                      ...(ask.maxKeys === undefined ? {} : { MaxKeys: ask.maxKeys }),
                    }),
                  );
      return send.then(
        ({ $metadata }) => judge($metadata.httpStatusCode),
        (error: unknown) => judge((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode),
      );
    };

    /** Undefined where there is none, or where it may not be read. */
    const readBack = async (Bucket: string): Promise<unknown> =>
      admin.send(new GetBucketPolicyCommand({ Bucket })).then(
        ({ Policy }) => JSON.parse(Policy ?? 'null') as unknown,
        (error: unknown) => {
          if (['NoSuchBucketPolicy', 'AccessDenied'].includes((error as Error).name)) return undefined;
          throw error;
        },
      );

    const rows = new Map(deviations.map((deviation) => [deviation.row, deviation]));

    for (const { title, statements, asks } of cases)
      describe(title, () => {
        const documentFor = (name: string) => {
          const arn = (user: Name) => users.get(user)?.arn ?? '';
          const account = /^arn:aws:iam::([^:]+):/.exec(arn('alice'))?.[1] ?? '';
          return { Version: '2012-10-17', Statement: statements({ bucket: name, arn, account }) };
        };
        let bucket: string;
        let other: string;
        let refusal: string | undefined;
        beforeAll(async () => {
          [bucket, other] = [await make(), await make()];
          const document = documentFor(bucket);
          const Policy = JSON.stringify(document);
          if (document.Statement.length === 0) return;
          refusal = await admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy })).then(
            () => undefined,
            (error: unknown) => (error as Error).name,
          );
        });

        it('comes back with the same meaning, if at all', async () => {
          const sent = documentFor(bucket);
          const found = await readBack(bucket);
          if (found !== undefined)
            expect([found, samePolicy(found, sent) || isStoredByArn(found, sent)]).toEqual([found, true]);
        });

        const refused = rows.get(title);
        it(refused === undefined ? 'is taken' : 'is refused', () => {
          expect(refusal === undefined ? 'taken' : `refused with ${refusal}`).toMatch(
            refused === undefined ? /^taken$/ : /^refused/,
          );
        });
        if (refused !== undefined) return;

        for (const [who, ask, expected] of asks) {
          const deviation = rows.get(`${title}: ${shown(who, ask)}`);
          const is = deviation?.is ?? expected;
          const asAmazon = deviation === undefined ? '' : `, unlike at Amazon`;
          it(`${shown(who, ask)}: ${is}${asAmazon}`, async () => {
            const where = 'from' in ask ? other : bucket;
            const user = who === 'operator' ? admin : who === 'anybody' ? undefined : users.get(who)?.client;
            const answer = () => (user === undefined ? askUnsigned(where, ask) : askAs(user, where, ask));
            // A server may keep what it knew of a user or a policy for a moment.
            await expect.poll(answer, { timeout: 5_000 }).toBe(is);
          });
        }
      });

    it('the operator says where the server does not do as Amazon does', async () => {
      const driver = createDriver(server.connection);
      try {
        // By then the server has said what it is.
        await driver.checkHealth(recordingContext());
        const known = driver.unsupported;
        const silent = deviations.filter(({ told }) => told !== 'refusal' && !known.has(told));
        expect(silent).toEqual([]);
      } finally {
        driver.close();
      }
    });

    it('the operator refuses to be shut out, and is told by the server what that refuses', async () => {
      const driver = createDriver(server.connection);
      try {
        for (const { title, statements } of cases) {
          const deviation = rows.get(title);
          if (deviation?.is !== 'refused') continue;
          const bucket = await make();
          const s3 = { wire: driver.wire(), bucket };
          const Statement = statements({ bucket, arn: (user) => users.get(user)?.arn ?? '', account: '' });
          const document = { Version: '2012-10-17', Statement };
          const fault = await putBucketPolicy(s3, document, recordingContext()).then(() => undefined, onlyFault);
          expect({ title, kind: fault?.kind, reason: fault?.reason }).toEqual({
            title,
            kind: 'terminal',
            reason: 'PolicyInvalid',
          });
        }
        const bucketArn = 'arn:aws:s3:::photos';
        const shut = cases.find(({ title }) => title === 'the operator is denied the policy itself');
        const Statement = shut?.statements({ bucket: 'photos', arn: () => '', account: '' }) as IamPolicy['Statement'];
        expect(findLockouts({ Version: '2012-10-17', Statement }, { bucketArn })).toMatchObject([
          { index: 0, denied: ['s3:GetBucketPolicy'] },
        ]);
      } finally {
        driver.close();
      }
    });
  });
};
