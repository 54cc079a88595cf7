import {
  CloudTrailClient,
  CreateTrailCommand,
  GetEventSelectorsCommand,
  PutEventSelectorsCommand,
  type DataResource,
  type EventSelector,
} from '@aws-sdk/client-cloudtrail';
import type { S3Client } from '@aws-sdk/client-s3';

/** What speaks S3 to the server whose trails are meant. */
type Speaker = Pick<S3Client, 'config'>;

/** Asks the trails of a server by a client that is not the operator's. */
const ask = async <T>({ config }: Speaker, run: (client: CloudTrailClient) => Promise<T>): Promise<T> => {
  const endpoint = await config.endpoint?.();
  if (endpoint === undefined) throw new Error('the client has an endpoint of its own');
  const client = new CloudTrailClient({ endpoint, region: await config.region(), credentials: config.credentials });
  try {
    return await run(client);
  } finally {
    client.destroy();
  }
};

/** A trail that records nothing yet; again and again with the same end. `logs`: the bucket that it writes into. */
export const makeTrail = (speaker: Speaker, Name: string, logs: string): Promise<void> =>
  ask(speaker, async (client) => {
    await client.send(new CreateTrailCommand({ Name, S3BucketName: logs })).catch((error: unknown) => {
      if ((error as { readonly name?: unknown }).name !== 'TrailAlreadyExistsException') throw error;
    });
  });

/** @throws Error where it has those of the other kind, which putting these would remove */
const selectorsOf = async (client: CloudTrailClient, TrailName: string): Promise<readonly EventSelector[]> => {
  const answer = await client.send(new GetEventSelectorsCommand({ TrailName }));
  if ((answer.AdvancedEventSelectors ?? []).length > 0)
    throw new Error(`The trail ${TrailName} has advanced event selectors. Name one with classic ones.`);
  return answer.EventSelectors ?? [];
};

const resourcesOf = ({ DataResources = [] }: EventSelector): readonly DataResource[] => DataResources;
const names = (arn: string) => (selector: EventSelector) =>
  resourcesOf(selector).some(({ Values = [] }) => Values.includes(arn));

const objectsOf = (bucket: string): string => `arn:aws:s3:::${bucket}/`;
/** A bucket that somebody else has recorded. */
const theirs = objectsOf('of-somebody-else');

/** Which events of a bucket's objects the event selectors of a trail record. */
export const readTrail = (speaker: Speaker, trail: string, bucket: string): Promise<readonly unknown[]> =>
  ask(speaker, async (client) =>
    (await selectorsOf(client, trail)).filter(names(objectsOf(bucket))).map(({ ReadWriteType }) => ReadWriteType),
  );

const change = (
  speaker: Speaker,
  TrailName: string,
  to: (selectors: readonly EventSelector[]) => readonly EventSelector[],
): Promise<void> =>
  ask(speaker, async (client) => {
    const EventSelectors = [...to(await selectorsOf(client, TrailName))];
    await client.send(new PutEventSelectorsCommand({ TrailName, EventSelectors }));
  });

/** Takes a bucket out of all that a trail records. */
export const endRecording = (speaker: Speaker, trail: string, bucket: string): Promise<void> =>
  change(speaker, trail, (selectors) =>
    selectors.map((selector) => ({
      ...selector,
      DataResources: resourcesOf(selector).map(({ Type, Values = [] }) => ({
        Type,
        Values: Values.filter((arn) => arn !== objectsOf(bucket)),
      })),
    })),
  );

const withoutForeign = (selectors: readonly EventSelector[]): readonly EventSelector[] =>
  selectors.filter((selector) => !names(theirs)(selector));

/** Takes it away, for it does not go with a bucket. */
export const removeForeignSelector = (speaker: Speaker, trail: string): Promise<void> =>
  change(speaker, trail, withoutForeign);

/** Adds an event selector of somebody else. */
export const addForeignSelector = (speaker: Speaker, trail: string): Promise<void> =>
  change(speaker, trail, (selectors) => [
    ...withoutForeign(selectors),
    {
      ReadWriteType: 'All',
      IncludeManagementEvents: false,
      DataResources: [{ Type: 'AWS::S3::Object', Values: [theirs] }],
    },
  ]);

export const hasForeignSelector = (speaker: Speaker, trail: string): Promise<boolean> =>
  ask(speaker, async (client) => (await selectorsOf(client, trail)).some(names(theirs)));
