import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { reasons } from '@operator/api';
import { Fault, oneLine, reworded, terminal, transient, waiting, type CallContext } from '@operator/outcome';
import {
  answerOf,
  createTokenBucket,
  faultFromAnswer,
  faultFromError,
  type Credentials,
  type DriverDeps,
  type OwnCodes,
  type Uplink,
} from '@operator/s3';
import { excessOf, selectorsIn, type Selectors } from './event-selectors.ts';

/** A trail as a spec names it. */
export interface TrailName {
  /** A name or an ARN. */
  readonly trail: string;
  /** The region whose CloudTrail is asked: the trail's home. */
  readonly region: string;
}

/** A trail as CloudTrail has it. */
export interface SeenTrail {
  readonly arn: string;
  readonly selectors: Selectors;
}

/** The trails that the Provider's credentials reach. */
export interface Trails {
  /**
   * What a trail records, as it was at most ten seconds ago; undefined when there is no such trail. One call.
   * @throws Fault of the connection, the credentials and the rights
   */
  look(name: TrailName, context: CallContext): Promise<SeenTrail | undefined>;
  /**
   * Changes what a trail records, alone among all who hold its lock: reads, writes and looks whether it holds. `to`: undefined when
   * nothing is to be changed.
   * @returns false when there is no such trail
   * @throws as `look`; `waiting` LimitExceeded when it cannot hold more; `transient` Conflict when somebody else changed it meanwhile
   */
  change(name: TrailName, to: (selectors: Selectors) => Selectors | undefined, context: CallContext): Promise<boolean>;
}

export interface TrailsSettings {
  readonly credentials: Credentials;
  readonly endpointFor: (region: string) => string;
  /** False for a server that speaks for AWS, which may not have CloudTrail at all. */
  readonly isAmazon: boolean;
}

/** How long others may hold a trail before it is told, and how long one holds it: two reads and a write. */
const longestWaitMs = 60_000;
const longestHoldMs = 60_000;

/** What a trail of Amazon's is called. Source: CloudTrail User Guide, naming requirements. */
const trailArn = /^arn:aws[a-z-]*:cloudtrail:[a-z0-9-]+:\d{12}:trail\/[\w.-]{3,128}$/;

/** How long one look serves all Buckets of a trail: CloudTrail answers few calls a second, for the account as a whole. */
const lookIsGoodForMs = 10_000;

/** Half of what CloudTrail allows an account in a region. Source: CloudTrail User Guide, Quotas: ten Get calls a second, one of all others. */
const readsPerSecond = 5;
const writesPerSecond = 1;

const busy = (message: string): Fault =>
  waiting(reasons.Conflict, `${message} The operator tries again.`, { retryAfterMs: 60_000 });

const ownCodes: OwnCodes = new Map([
  ['ConflictException', 'OperationAborted'],
  ['ConcurrentModificationException', 'OperationAborted'],
  ['InvalidHomeRegionException', 'InvalidRegion'],
  ['OperationNotPermittedException', 'AccessDenied'],
]);

const service = 'cloudtrail';

export const createTrails = (
  uplink: Uplink,
  { credentials, endpointFor, isAmazon }: TrailsSettings,
  { lock, elapsedMs }: Pick<DriverDeps, 'lock' | 'elapsedMs'>,
): Trails => {
  const clients = new Map<string, CloudTrailClient>();
  const looks = new Map<string, { readonly seen: SeenTrail | undefined; readonly atMs: number }>();
  const reads = createTokenBucket({ perSecond: readsPerSecond, burst: readsPerSecond }, elapsedMs);
  const writes = createTokenBucket({ perSecond: writesPerSecond, burst: writesPerSecond }, elapsedMs);

  const reach = async (region: string) => {
    const sdk = await import('./client.ts');
    const endpoint = endpointFor(region);
    const client =
      clients.get(region) ?? new sdk.CloudTrailClient({ ...uplink.clientSettings(credentials), endpoint, region });
    clients.set(region, client);
    return { sdk, client, target: { service, endpoint } };
  };

  const explain = ({ trail, region }: TrailName, operation: string, error: unknown): unknown => {
    const call = { service, operation, endpoint: endpointFor(region), ownCodes };
    const read = faultFromError(call, error);
    if (!(read instanceof Fault)) return read;
    // A server that speaks for AWS may lack CloudTrail, and may refuse in another language than it is asked in, as moto does.
    const isForeign = read.reason === reasons.NotAnS3Server && !isAmazon;
    const fault =
      isForeign && answerOf(error)?.status === 403 ? faultFromAnswer(call, { code: '', status: 403 }, error) : read;
    if (isForeign && fault === read) {
      return terminal(reasons.Unsupported, `The server at ${endpointFor(region)} does not have CloudTrail.`);
    }
    const remedies: Readonly<Partial<Record<string, string>>> = {
      [reasons.AccessDenied]: `Allow the Provider's credentials cloudtrail:${operation} on the trail ${trail}.`,
      [reasons.WrongRegion]: `The trail ${trail} has another home region than ${region}: set spec.cloudTrail.trail to its ARN.`,
    };
    const remedy = remedies[fault.reason];
    return remedy === undefined ? fault : reworded(fault, `${fault.message} ${remedy}`);
  };

  const keyOf = ({ trail, region }: TrailName): string => `${region} ${trail}`;

  const fetchTrail = async (name: TrailName, context: CallContext): Promise<SeenTrail | undefined> => {
    const { sdk, client, target } = await reach(name.region);
    const command = new sdk.GetEventSelectorsCommand({ TrailName: name.trail });
    await reads.take(context.signal);
    let seen: SeenTrail | undefined;
    try {
      const answer = await uplink.send(target, command, (options) => client.send(command, options), context);
      seen = { arn: answer.TrailARN ?? name.trail, selectors: selectorsIn(answer) };
    } catch (error) {
      if (answerOf(error)?.code !== 'TrailNotFoundException') throw explain(name, 'GetEventSelectors', error);
    }
    looks.set(keyOf(name), { seen, atMs: elapsedMs() });
    return seen;
  };

  /**
   * By what those who change the trail take turns. Amazon's word makes a trail by name and by ARN one. Who answers at another endpoint may
   * name the trail of anybody, or a new one each time: there the endpoint is one thing.
   */
  const lockNameOf = (region: string, arn: string): string => {
    if (!isAmazon) return `cloudtrail ${new URL(endpointFor(region)).origin}`;
    if (trailArn.test(arn)) return `cloudtrail ${arn}`;
    throw waiting(
      reasons.RequestRefused,
      `CloudTrail answers with an ARN that is not valid for a trail: ${oneLine(arn, 200)}.`,
    );
  };

  /** Runs alone among all who hold the lock. Neither those before it nor its own server may take for ever. */
  const alone = async <T>(name: string, context: CallContext, run: (within: CallContext) => Promise<T>): Promise<T> => {
    const bound = new AbortController();
    const boundBy = (ms: number, message: string) => setTimeout(() => bound.abort(busy(message)), ms);
    let timer = boundBy(longestWaitMs, 'Others change trails there for more than a minute.');
    try {
      return await lock(name, AbortSignal.any([context.signal, bound.signal]), async (held) => {
        clearTimeout(timer);
        timer = boundBy(longestHoldMs, 'CloudTrail took more than a minute for two reads and a write.');
        const signal = AbortSignal.any([context.signal, held, bound.signal]);
        return run({ signal, now: context.now, call: (call, send) => context.call(call, send) });
      });
    } finally {
      clearTimeout(timer);
    }
  };

  const put = async (name: TrailName, { kind, selectors }: Selectors, context: CallContext): Promise<void> => {
    const { sdk, client, target } = await reach(name.region);
    const command = new sdk.PutEventSelectorsCommand({
      TrailName: name.trail,
      ...(kind === 'classic' ? { EventSelectors: [...selectors] } : { AdvancedEventSelectors: [...selectors] }),
    });
    await writes.take(context.signal);
    try {
      await uplink.send(target, command, (options) => client.send(command, options), context);
    } catch (error) {
      throw explain(name, 'PutEventSelectors', error);
    }
  };

  const look: Trails['look'] = async (name, context) => {
    const known = looks.get(keyOf(name));
    return known !== undefined && elapsedMs() - known.atMs < lookIsGoodForMs ? known.seen : fetchTrail(name, context);
  };

  return {
    look,
    async change(name, to, context) {
      const known = await look(name, context);
      if (known === undefined) return false;
      return alone(lockNameOf(name.region, known.arn), context, async (within) => {
        const before = await fetchTrail(name, within);
        if (before === undefined) return false;
        const wanted = to(before.selectors);
        if (wanted === undefined) return true;
        const excess = excessOf(wanted);
        if (excess !== undefined) {
          throw waiting(reasons.LimitExceeded, `The trail ${name.trail} has no room: ${excess}`, {
            retryAfterMs: 300_000,
          });
        }
        await put(name, wanted, within);
        const after = await fetchTrail(name, within);
        if (after !== undefined && to(after.selectors) === undefined) return true;
        throw transient(
          reasons.Conflict,
          `Somebody else changed the event selectors of the trail ${name.trail} at the same moment.`,
        );
      });
    },
  };
};
