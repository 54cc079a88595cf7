import { createHash } from 'node:crypto';
import {
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  type Event,
  type EventBridgeConfiguration,
  type LambdaFunctionConfiguration,
  type NotificationConfiguration,
  type QueueConfiguration,
  type TopicConfiguration,
} from '@aws-sdk/client-s3';
import { reasons, type BucketSpec } from '@operator/api';
import { onlyFault, waiting, type CallContext, type Fault } from '@operator/outcome';
import type { Aspect, BucketWire, Part, Written } from '../aspect.ts';
import { isOwnRefusal } from '../lacking.ts';
import { answerOf } from '../wire-answer.ts';
import { deleteNotification, keepsNotificationsById } from './notification-ids.ts';

type Declared = NonNullable<BucketSpec['notifications']>;
/** Which kind of destination a list has. */
type List = 'lambda' | 'sqs' | 'sns';
const lists = ['lambda', 'sqs', 'sns'] as const satisfies readonly List[];

const partOf = {
  lambda: 'lambdaNotifications',
  sqs: 'sqsNotifications',
  sns: 'snsNotifications',
} as const satisfies Record<List, Part>;

/** A notification in its normal form: events sorted, no prefix and no suffix as empty ones. */
export interface Notification {
  /** Empty where the server has none. */
  readonly id: string;
  readonly arn: string;
  readonly events: readonly string[];
  readonly prefix: string;
  readonly suffix: string;
}

/** A notification that is there. `raw`: as the server has it, to be put back as it is where it is another's. */
export interface FoundNotification extends Notification {
  readonly raw: LambdaFunctionConfiguration | QueueConfiguration | TopicConfiguration;
}

export type NotificationsHave = Readonly<Record<List, readonly FoundNotification[]>> & {
  /** No list has it, and no spec can declare it: it stays as it is. */
  readonly eventBridge: EventBridgeConfiguration | undefined;
};

export interface NotificationsWant {
  /** A list that is not declared is left as it is. */
  readonly declared: Readonly<Partial<Record<List, readonly Notification[]>>>;
  readonly keepsOthers: boolean;
  /** What earlier specs had set, as `keyOf` names it. */
  readonly former: readonly string[];
}

/** How `status.managed` knows an entry. */
const keyOf = (list: List, { id }: Notification): string => `${list}/${id}`;

/** MinIO takes the ARN of a target with its region, and shows it without. */
const plainArn = (arn: string): string => arn.replace(/^(arn:minio:[^:]+):[^:]*:/, '$1::');

const contentOf = ({ arn, events, prefix, suffix }: Omit<Notification, 'id'>): string =>
  JSON.stringify([plainArn(arn), events, prefix, suffix]);

const isSame = (one: Notification, other: Notification): boolean =>
  one.id === other.id && contentOf(one) === contentOf(other);

const sorted = (events: readonly string[] | undefined): readonly string[] => [...new Set(events)].sort();

const fromSpec = ({ id, arn, events, prefix = '', suffix = '' }: NonNullable<Declared[List]>[number]): Notification => {
  const content = { arn, events: sorted(events), prefix, suffix };
  return { id: id ?? `s3op-${createHash('sha256').update(contentOf(content)).digest('hex').slice(0, 32)}`, ...content };
};

const fromServer =
  <Raw extends FoundNotification['raw']>(arnOf: (raw: Raw) => string | undefined) =>
  (raw: Raw): FoundNotification => {
    const rules = new Map(
      (raw.Filter?.Key?.FilterRules ?? []).map(({ Name = '', Value = '' }) => [Name.toLowerCase(), Value]),
    );
    return {
      id: raw.Id ?? '',
      arn: arnOf(raw) ?? '',
      events: sorted(raw.Events),
      prefix: rules.get('prefix') ?? '',
      suffix: rules.get('suffix') ?? '',
      raw,
    };
  };

/** What all three kinds have; a notification that is there goes back as it was. */
const toServer = (notification: Notification | FoundNotification) => {
  if ('raw' in notification) return notification.raw;
  const { id, events, prefix, suffix } = notification;
  const FilterRules = [
    ...(prefix === '' ? [] : [{ Name: 'prefix', Value: prefix } as const]),
    ...(suffix === '' ? [] : [{ Name: 'suffix', Value: suffix } as const]),
  ];
  return {
    Id: id,
    Events: events as Event[],
    ...(FilterRules.length === 0 ? {} : { Filter: { Key: { FilterRules } } }),
  };
};

type Document = Readonly<Partial<Record<List, readonly (Notification | FoundNotification)[]>>> &
  Pick<Partial<NotificationsHave>, 'eventBridge'>;

const documentOf = ({ lambda = [], sqs = [], sns = [], eventBridge }: Document): NotificationConfiguration => ({
  ...(lambda.length > 0 && {
    LambdaFunctionConfigurations: lambda.map((one) => ({ LambdaFunctionArn: one.arn, ...toServer(one) })),
  }),
  ...(sqs.length > 0 && { QueueConfigurations: sqs.map((one) => ({ QueueArn: one.arn, ...toServer(one) })) }),
  ...(sns.length > 0 && { TopicConfigurations: sns.map((one) => ({ TopicArn: one.arn, ...toServer(one) })) }),
  ...(eventBridge !== undefined && { EventBridgeConfiguration: eventBridge }),
});

const isOurs = (list: List, notification: Notification, { declared, former }: NotificationsWant): boolean =>
  notification.id !== '' &&
  (former.includes(keyOf(list, notification)) || (declared[list] ?? []).some(({ id }) => id === notification.id));

/** Those of others in the lists that the spec declares. */
const othersIn = (have: NotificationsHave, want: NotificationsWant): readonly FoundNotification[] =>
  lists.flatMap((list) =>
    want.declared[list] === undefined ? [] : have[list].filter((one) => !isOurs(list, one, want)),
  );

/** All notifications of a bucket that has `have` once the wish is fulfilled. */
export const mergeNotifications = (have: NotificationsHave, want: NotificationsWant): Document => {
  const merged = (list: List): readonly Notification[] => {
    const wanted = want.declared[list];
    if (wanted === undefined) return have[list];
    return [...wanted, ...(want.keepsOthers ? have[list].filter((one) => !isOurs(list, one, want)) : [])];
  };
  return { lambda: merged('lambda'), sqs: merged('sqs'), sns: merged('sns'), eventBridge: have.eventBridge };
};

/** True when a list that is declared is not as it is to be. */
const differs = (list: List, want: NotificationsWant, have: NotificationsHave): boolean => {
  const wanted = want.declared[list];
  if (wanted === undefined) return false;
  const mine = want.keepsOthers ? have[list].filter((one) => isOurs(list, one, want)) : have[list];
  return mine.length !== wanted.length || !wanted.every((one) => mine.some((found) => isSame(one, found)));
};

const lackIn = (list: List, want: NotificationsWant, have: NotificationsHave): boolean =>
  (want.declared[list] ?? []).some((one) => !have[list].some((found) => isSame(one, found)));

const hasAny = ({ declared }: NotificationsWant, among: readonly List[]): boolean =>
  among.some((list) => (declared[list] ?? []).length > 0);

const without = (want: NotificationsWant, left: readonly List[]): NotificationsWant => ({
  ...want,
  declared: Object.fromEntries(Object.entries(want.declared).filter(([list]) => !left.includes(list as List))),
});

const readNotifications = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<NotificationsHave> => {
  const answer = await wire.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }), context);
  return {
    lambda: (answer.LambdaFunctionConfigurations ?? []).map(
      fromServer(({ LambdaFunctionArn }: LambdaFunctionConfiguration) => LambdaFunctionArn),
    ),
    sqs: (answer.QueueConfigurations ?? []).map(fromServer(({ QueueArn }: QueueConfiguration) => QueueArn)),
    sns: (answer.TopicConfigurations ?? []).map(fromServer(({ TopicArn }: TopicConfiguration) => TopicArn)),
    eventBridge: answer.EventBridgeConfiguration,
  };
};

/** Amazon names each destination that it could not validate, with its reason. Source: Amazon S3, "Unable to validate the following …" */
const destinationsIn = (fault: Fault): readonly string[] => {
  const fields = Object.entries(fault.cause ?? {}).filter(
    (field): field is [string, string] => typeof field[1] === 'string',
  );
  return fields.flatMap(([name, arn]) => {
    if (!/^ArgumentName\d*$/.test(name) || !arn.startsWith('arn:')) return [];
    const why = fields.find(([other]) => other === name.replace('Name', 'Value'))?.[1];
    return [`${arn.replace(/,.*$/, '')}${why === undefined ? '' : ` (${why})`}`];
  });
};

/** A Fault that says which destinations are meant, where the server refused them. */
const explainRefusal = (fault: Fault, document: Document, bucket: string): Fault => {
  const answer = answerOf(fault.cause);
  const isOfDestination =
    answer?.code === 'NoSuchKey' || (answer?.code === 'InvalidArgument' && /destination/i.test(answer.message ?? ''));
  if (fault.reason !== reasons.RequestRefused || !isOfDestination) return fault;
  const named = destinationsIn(fault);
  // What the server has shown it has taken before.
  const isNew = (one: Notification) => !('raw' in one);
  const all = new Set(lists.flatMap((list) => (document[list] ?? []).filter(isNew).map(({ arn }) => arn)));
  const arns = named.length > 0 ? named : [...all];
  return waiting(
    reasons.RequestRefused,
    `The server refuses to send notifications to ${arns.join(', ')}. Each destination must exist and let S3 publish to it: allow the service ` +
      `s3.amazonaws.com in its policy, with aws:SourceArn arn:aws:s3:::${bucket}. On MinIO it is a target of the server's configuration, on Ceph RGW a topic. ${fault.message}`,
    { cause: fault.cause, retryAfterMs: 300_000 },
  );
};

const putDocument = async ({ wire, bucket }: BucketWire, document: Document, context: CallContext): Promise<void> => {
  const NotificationConfiguration = documentOf(document);
  await wire
    .send(new PutBucketNotificationConfigurationCommand({ Bucket: bucket, NotificationConfiguration }), context)
    .catch((caught: unknown) => {
      throw explainRefusal(onlyFault(caught), document, bucket);
    });
};

/** Puts the whole document; without functions and topics where the server refuses those, as MinIO does. Returns why it did. */
const putWhatIsTaken = async (
  s3: BucketWire,
  want: NotificationsWant,
  found: NotificationsHave,
  context: CallContext,
): Promise<string | undefined> => {
  try {
    await putDocument(s3, mergeNotifications(found, want), context);
    return undefined;
  } catch (caught) {
    const fault = onlyFault(caught);
    const rest = without(want, ['lambda', 'sns']);
    if (!isOwnRefusal(fault) || !hasAny(want, ['lambda', 'sns']) || !differs('sqs', rest, found)) throw fault;
    await putDocument(s3, mergeNotifications(found, rest), context);
    return fault.message;
  }
};

/** On a server that keeps them by id a PUT adds; one without topics would remove all, those of others too. */
const putById = async (
  s3: BucketWire,
  want: NotificationsWant,
  found: NotificationsHave,
  context: CallContext,
): Promise<undefined> => {
  const { sns: topics = [] } = want.declared;
  const wanted = mergeNotifications(found, want).sns ?? [];
  const isWanted = ({ id, arn }: Notification) => wanted.some((one) => one.id === id && one.arn === arn);
  const gone = new Set(found.sns.filter((one) => !isWanted(one)).map(({ id }) => id));
  const isHarmless = topics.length > 0 || (found.sns.length === 0 && hasAny(want, ['lambda', 'sqs']));
  const put = async () => {
    if (isHarmless) await putDocument(s3, want.declared, context);
  };
  await put();
  if (gone.size === 0) return undefined;
  // One id may stand for several topics. Only what a GET has shown is deleted.
  const there = (await readNotifications(s3, context)).sns.filter(({ id }) => gone.has(id));
  for (const { id } of there) await deleteNotification(s3, id, context);
  if (topics.some(({ id }) => gone.has(id))) await put();
  return undefined;
};

const sayLost = (list: List, refusal: string | undefined): string =>
  refusal === undefined
    ? `The server accepts what stands under notifications.${list} and does not keep it; it has another kind of destination. Remove the list, or declare it under another.`
    : `The server refuses what stands under notifications.${list}; the rest is in place. ${refusal}`;

/**
 * Who is told about events in a bucket: three lists, by the kind of destination. Notifications of others stay unless the spec removes
 * them; whose one is, its id tells. `replaces`: the server is known to replace the whole document and to keep all of it, or refuse it.
 * Elsewhere it may keep notifications by id, or drop a list in silence: the first is asked before a write, the second looked for after it.
 * Source: Amazon S3 API, GetBucketNotificationConfiguration and PutBucketNotificationConfiguration, which replaces the document.
 */
export const notifications = ({
  replaces,
}: {
  readonly replaces: boolean;
}): Aspect<NotificationsWant, NotificationsHave> => ({
  name: 'notifications',
  readsWith: 'GetBucketNotificationConfiguration',
  desired: ({ notifications: declared }, { managed }) =>
    declared && {
      declared: Object.fromEntries(
        lists.flatMap((list) => (declared[list] === undefined ? [] : [[list, declared[list].map(fromSpec)]])),
      ),
      keepsOthers: declared.others === 'Keep',
      former: managed.notifications ?? [],
    },
  // What stays in a list that is no longer declared is still known as ours.
  owns: ({ declared, former }) => [
    ...lists.flatMap((list) => (declared[list] ?? []).map((one) => keyOf(list, one))),
    ...former.filter((key) => !lists.some((list) => declared[list] !== undefined && key.startsWith(`${list}/`))),
  ],
  holds: (have) => lists.flatMap((list) => have[list].map((one) => keyOf(list, one))),
  read: readNotifications,
  isSet: (have) => have.eventBridge !== undefined || lists.some((list) => have[list].length > 0),
  needs: (want, have) => lists.filter((list) => lackIn(list, want, have)).map((list) => partOf[list]),
  without: (want, _have, parts) =>
    without(
      want,
      lists.filter((list) => parts.includes(partOf[list])),
    ),
  diff: (want, have) => (lists.some((list) => differs(list, want, have)) ? want : undefined),
  async write(s3, want, context): Promise<Written> {
    // What others have put there since the look must not be lost.
    const found = await readNotifications(s3, context);
    const theirs = want.keepsOthers ? [] : othersIn(found, want).map(({ id, arn }) => (id === '' ? arn : id));
    const note = theirs.length === 0 ? {} : { note: `removed notifications of others: ${theirs.join(', ')}` };
    if (replaces) {
      await putDocument(s3, mergeNotifications(found, want), context);
      return note;
    }
    const isById = await keepsNotificationsById(s3, context);
    const put = isById ? putById : putWhatIsTaken;
    const refusal = await put(s3, want, found, context);
    const after = await readNotifications(s3, context);
    const lost = lists.filter((list) => lackIn(list, want, after));
    return { ...note, lost: new Map(lost.map((list) => [partOf[list], sayLost(list, refusal)])) };
  },
});
