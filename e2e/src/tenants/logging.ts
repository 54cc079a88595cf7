import {
  CreateBucketCommand,
  GetBucketLoggingCommand,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import { conditionOf, s3View, type Manifest } from '@operator/tools/harness';
import { Found, undisclosed, type Attempt, type Case } from './case.ts';
import { withdraw } from './lending.ts';

const through = 'shared-aws';
const loggingTo = (target: Manifest): Manifest => ({ logging: { enabled: true, ...target } });
const refTo = (name: string) => ({ targetBucketRef: { name, namespace: undisclosed } });

/** Lets the server write logs there: what then keeps them away is the operator alone. */
const letLogsIn = async (given: Case, bucket: string): Promise<void> => {
  const { sdk } = s3View(given.world.server('moto'));
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: ['s3:PutObject'],
    Resource: `arn:aws:s3:::${bucket}/*`,
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await sdk.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  sdk.destroy();
};

const logsOf = async (given: Case, bucket: string): Promise<string | undefined> => {
  const { sdk } = s3View(given.world.server('moto'));
  const { LoggingEnabled } = await sdk.send(new GetBucketLoggingCommand({ Bucket: bucket }));
  sdk.destroy();
  return LoggingEnabled?.TargetBucket;
};

/** Somebody else's bucket that takes logs and is granted to the tenant. @returns its name, which is that of its Bucket too */
const lentLogs = async (given: Case): Promise<string> => {
  const name = await given.lentBucket('logs', through);
  await letLogsIn(given, name);
  return name;
};

/** A Bucket that logs into one that is granted to it. @returns its bucket */
const lawfulLogs = async (given: Case, name: string, logs: string): Promise<string> => {
  const bucket = given.freshName('source');
  await given.bucket(name, through, bucket, loggingTo(refTo(logs)));
  await given.admin.untilReady('Bucket', given.namespace, name, 60_000);
  if ((await logsOf(given, bucket)) !== logs) throw new Error(`${bucket} is Ready and has no logs`);
  return bucket;
};
const twin = async (given: Case): Promise<void> => {
  await lawfulLogs(given, 'lawful', await lentLogs(given));
};

/** The tenant's Bucket is looked at until the controllers have surely seen all there is. @returns what it says */
const refusedLogs = async (given: Case, name: string, target: Manifest, victims: string): Promise<string> => {
  const bucket = given.freshName('source');
  await given.bucket(name, through, bucket, loggingTo(target));
  await given.verdict('Bucket', name);
  const ready = conditionOf(await given.again('Bucket', name), 'Ready');
  if ((await logsOf(given, bucket)) !== undefined) throw new Found('harm', `${bucket} writes its logs into ${victims}`);
  if (ready?.status === 'True') throw new Found('silence', `Bucket ${name} is Ready`);
  return `${String(ready?.reason)} ${String(ready?.message)}`;
};

export const logging: readonly Attempt[] = [
  {
    threat: 'T131',
    title: "a borrower has logs written into somebody else's bucket of the lender's account, by its name",
    async act(given) {
      const victim = await given.victim({ through });
      await letLogsIn(given, victim.bucket);
      await given.mind(victim);
      // It has written down the name itself.
      given.namesHidden = false;
      await refusedLogs(given, 'source', { targetBucket: victim.bucket }, victim.bucket);
      given.refuse('Bucket', 'source');
    },
    twin,
  },
  {
    threat: 'T132',
    title:
      'a Bucket logs into a Bucket of another namespace that is not granted, one that exists and one that does not',
    async act(given) {
      const { name, bucket: victims } = await given.victim({ through });
      const said = new Set<string>();
      for (const [source, to] of [
        ['there', name],
        ['nowhere', 'nosuchbucket'],
      ] as const) {
        said.add((await refusedLogs(given, source, refTo(to), victims)).replaceAll(to, 'X'));
      }
      if (said.size !== 1) throw new Found('name', `the messages tell what exists: ${JSON.stringify([...said])}`);
      given.namesHidden = false;
    },
    twin,
  },
  {
    threat: 'T133',
    title: 'logs go on after the Bucket that gets them was taken back',
    async act(given) {
      const logs = await lentLogs(given);
      const bucket = await lawfulLogs(given, 'source', logs);
      await withdraw(given, 'Bucket', undisclosed, logs);
      await given.must(
        () => logsOf(given, bucket),
        (target) => target === undefined,
        'logging is off',
      );
      await given.again('Bucket', 'source');
      given.refuse('Bucket', 'source');
      if ((await logsOf(given, bucket)) !== undefined) throw new Found('harm', 'the logs came back');
    },
    twin,
  },
  ...(['paused', 'silent'] as const).map((how): Attempt => ({
    threat: how === 'paused' ? 'T134' : 'T135',
    title: `logs go on after the Bucket that gets them was taken back from a source that is ${how}`,
    async act(given) {
      const logs = await lentLogs(given);
      const bucket = await lawfulLogs(given, 'source', logs);
      if (how === 'paused') await given.pause('Bucket', 'source');
      else await given.again('Bucket', 'source', { logging: null });
      await withdraw(given, 'Bucket', undisclosed, logs);
      await given.must(
        () => logsOf(given, bucket),
        (target) => target === undefined,
        'logging is off',
      );
    },
    twin,
  })),
  {
    threat: 'T147',
    title: 'a borrower ends the logs that the lender has of its bucket, or sends them elsewhere',
    async act(given) {
      const logs = await lentLogs(given);
      const bucket = await lawfulLogs(given, 'source', logs);
      const { sdk } = s3View(given.world.server('moto'));
      const audit = given.freshName('audit');
      await sdk.send(new CreateBucketCommand({ Bucket: audit }));
      await letLogsIn(given, audit);
      const LoggingEnabled = { TargetBucket: audit, TargetPrefix: 'audit/' };
      await sdk.send(new PutBucketLoggingCommand({ Bucket: bucket, BucketLoggingStatus: { LoggingEnabled } }));
      sdk.destroy();
      for (const logging of [
        { enabled: false, targetBucketRef: null },
        { enabled: true, ...refTo(logs) },
      ]) {
        await given.again('Bucket', 'source', { logging });
        const now = await logsOf(given, bucket);
        if (now !== audit) throw new Found('harm', `the logs of the lender go to ${String(now)}`);
      }
      given.refuse('Bucket', 'source');
    },
    twin,
  },
];
