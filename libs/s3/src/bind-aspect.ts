import { isFeatureOff, reasons, type BucketSpec } from '@operator/api';
import { Fault, waiting } from '@operator/outcome';
import type {
  Aspect,
  AspectView,
  BoundAspect,
  BucketContext,
  BucketWire,
  Finding,
  Input,
  Need,
  Part,
  Step,
  StepEnd,
  Support,
  UnsupportedFeatures,
} from './aspect.ts';
import { removeMistaken } from './existence.ts';
import { isOwnRefusal, refusalBelievedMs } from './lacking.ts';
import { TakenForCreation } from './misrouted.ts';

/** Answers that say something of one call alone. All others concern the whole bucket, or the server. */
const ofOneCall: ReadonlySet<string> = new Set([
  reasons.AccessDenied,
  reasons.RequestRefused,
  reasons.ServerError,
  reasons.SpecInvalid,
  reasons.LimitExceeded,
  reasons.Conflict,
  reasons.ResponseTooLarge,
  reasons.NotAnS3Server,
]);

/** What the server refused of one bucket, or took and did not keep. */
interface Refusal {
  readonly declared: string;
  /** Why all of it was refused; undefined when only parts were. */
  readonly message?: string;
  readonly parts: ReadonlyMap<Part, string>;
  readonly at: Date;
}

const isRecent = (at: Date, now: Date): boolean => now.getTime() - at.getTime() < refusalBelievedMs;

/** What a step closes. */
interface Gap<Want, Have, Change> {
  readonly want: Want;
  readonly have: Have;
  readonly change: Change;
}

/** For each driver and feature; an operator has fewer buckets with one Provider. */
const mostRefusals = 10_000;

const noParts: ReadonlyMap<Part, string> = new Map();

/** True when the server itself lacks it, or the aspect has seen so; a bare status or a web page may be a proxy's. */
const isLack = (fault: Fault): boolean =>
  fault.reason === reasons.Unsupported && (fault.cause === undefined || isOwnRefusal(fault));

/** Why a reference leads to nothing; undefined where it leads to something. */
const faultOfInput = (input: Input | Fault | undefined): Fault | undefined =>
  input instanceof Fault ? input : input?.kind === 'Ended' ? input.fault : undefined;

/** What a look says of a wish that cannot be fulfilled whole. */
const heldUp = (fault: Fault): Finding =>
  fault.reason === reasons.Unsupported
    ? { verdict: 'unsupported', message: fault.message }
    : { verdict: 'blocked', fault };

/** Why what is needed is not there; undefined for a part that the server is not known to lack. */
const lackOf = (need: Need, unsupported: UnsupportedFeatures): string | undefined =>
  typeof need === 'string' ? unsupported.get(need) : need.message;

const unsupportedFault = (caught: unknown): Fault | undefined =>
  caught instanceof Fault && caught.reason === reasons.Unsupported ? caught : undefined;

/**
 * Closes over an aspect's value types, so that a driver can list different ones. Called once for each driver: it remembers
 * what that driver's server has written and refused to write.
 *
 * A write that the server itself answers with Unsupported is remembered for an hour, for that bucket and that declaration, and the step ends
 * `refused`; the next look says `unsupported`. What may be a proxy's answer is thrown. Parts that a write has lost are remembered in the
 * same way: the next look brings the rest about, then says so.
 */
export const bindAspect = <Want, Have, Change>(aspect: Aspect<Want, Have, Change>): BoundAspect => {
  const feature = aspect.name;
  const refusals = new Map<string, Refusal>();
  /** By writes. What was ever carried out is not lacking: one bucket may be refused what others are not. */
  let learned: Exclude<Support, 'Unknown'> | undefined;
  let lackOfRead: string | undefined;

  const declaredIn = (spec: BucketSpec): string => JSON.stringify(spec[feature] ?? null);

  const faultOfInputs = (spec: BucketSpec, { inputs }: BucketContext): Fault | undefined =>
    aspect.held === undefined
      ? (aspect.refersTo?.(spec) ?? [])
          .map(({ as }) => faultOfInput(inputs.get(as)))
          .find((fault) => fault !== undefined)
      : undefined;

  /** A server without the feature fulfils the wish for its absence, and owes nothing to a spec that is silent. */
  const lacking = (spec: BucketSpec, message: string): Finding | undefined =>
    isFeatureOff(feature, spec) ? undefined : { verdict: 'unsupported', message };

  /** The latest stand last: of what is believed no more, or is too much, the oldest go. */
  const refuse = (bucket: string, refusal: Refusal): void => {
    refusals.delete(bucket);
    refusals.set(bucket, refusal);
    for (const [oldest, { at }] of refusals) {
      if (refusals.size <= mostRefusals && isRecent(at, refusal.at)) break;
      refusals.delete(oldest);
    }
  };

  const believedRefusal = (spec: BucketSpec, { bucket }: BucketWire, now: Date): Refusal | undefined => {
    const refusal = refusals.get(bucket);
    const isBelieved = refusal?.declared === declaredIn(spec) && isRecent(refusal.at, now);
    return isBelieved ? refusal : undefined;
  };

  const knownLack = ({ wire }: BucketWire, unsupported: UnsupportedFeatures): string | undefined =>
    unsupported.get(feature) ??
    (aspect.readsWith !== undefined && wire.lacks(aspect.readsWith) ? lackOfRead : undefined);

  /** Remembers what a write has lost beside what earlier ones have. */
  const remember = (spec: BucketSpec, s3: BucketWire, lost: ReadonlyMap<Part, string>, now: Date): void => {
    const former = believedRefusal(spec, s3, now);
    if (lost.size > 0) {
      const all = new Map([...(former?.parts ?? noParts), ...lost]);
      refuse(s3.bucket, { declared: declaredIn(spec), parts: all, at: now });
    } else if (former === undefined) refusals.delete(s3.bucket);
  };

  const stepTo = ({ want, have, change }: Gap<Want, Have, Change>, spec: BucketSpec, s3: BucketWire): Step => ({
    name: feature,
    async apply(context): Promise<StepEnd> {
      try {
        const { lost = noParts, note } = (await aspect.write(s3, change, context)) ?? {};
        remember(spec, s3, lost, context.now);
        const kept = aspect.without?.(want, have, [...lost.keys()]);
        if (lost.size > 0 && kept !== undefined && aspect.diff(kept, have) === undefined)
          return { end: 'refused', message: [...lost.values()].join(' ') };
        learned = 'Supported';
        return { end: 'done', ...(note === undefined ? {} : { note }) };
      } catch (caught) {
        const fault = unsupportedFault(caught);
        if (fault === undefined) throw caught;
        if (!isLack(fault)) {
          throw waiting(reasons.RequestRefused, fault.message, { cause: fault.cause, retryAfterMs: 300_000 });
        }
        const { message } = fault;
        refuse(s3.bucket, { declared: declaredIn(spec), message, parts: noParts, at: context.now });
        if (fault.cause instanceof TakenForCreation && fault.cause.hasMade) await removeMistaken(s3, context);
        learned ??= 'Unsupported';
        return { end: 'refused', message };
      }
    },
  });

  const compare = (
    want: Want,
    have: Have,
    lacks: UnsupportedFeatures,
    stepFor: (gap: Gap<Want, Have, Change>) => Step,
  ): Finding => {
    const change = aspect.diff(want, have);
    if (change === undefined) return { verdict: 'same' };
    const missing = (aspect.needs?.(want, have) ?? []).filter((need) => lackOf(need, lacks) !== undefined);
    if (missing.length === 0) return { verdict: 'different', step: stepFor({ want, have, change }) };
    // The rest converges first; a look that finds only the missing part says so.
    const kept = aspect.without?.(want, have, missing) ?? want;
    const rest = aspect.diff(kept, have);
    if (rest !== undefined) return { verdict: 'different', step: stepFor({ want: kept, have, change: rest }) };
    return { verdict: 'unsupported', message: missing.map((need) => lackOf(need, lacks)).join(' ') };
  };

  /** Ours from now on. A declaration that was fulfilled has none but its own; until then what is left of the former stays known. */
  const managedAfter = (
    spec: BucketSpec,
    { managed }: BucketContext,
    want: Want,
    have: Have,
    isSame: boolean,
  ): readonly string[] | undefined => {
    if (aspect.owns === undefined) return undefined;
    const there = new Set(aspect.holds?.(have) ?? []);
    const left = (managed[feature] ?? []).filter((id) => there.has(id));
    const own = aspect.owns(want);
    if (isSame && spec[feature] !== undefined) return [...new Set(own)].sort();
    return [...new Set([...left, ...own])].sort();
  };

  return {
    name: feature,
    isApart: aspect.isApart === true,

    refersTo: (spec) => aspect.refersTo?.(spec) ?? [],

    async look(spec, bucket, s3, unsupported, context): Promise<AspectView | undefined> {
      const view = (finding: Finding | undefined, managed?: readonly string[]): AspectView | undefined =>
        finding && { ...finding, aspect: feature, ...(managed === undefined ? {} : { managed }) };
      const blockedBy = faultOfInputs(spec, bucket);
      if (blockedBy !== undefined) return view({ verdict: 'blocked', fault: blockedBy });
      const want = aspect.desired(spec, bucket);
      if (want === undefined) return undefined;
      const lack = knownLack(s3, unsupported);
      if (lack !== undefined) return view(lacking(spec, lack));
      const refusal = believedRefusal(spec, s3, context.now);
      // What the server shows and does not let go of stands there, also where the spec wants it off.
      if (refusal?.message !== undefined)
        return spec[feature] === undefined ? undefined : view({ verdict: 'unsupported', message: refusal.message });

      let have: Have;
      try {
        have = s3.isBlank === true && aspect.blank !== undefined ? aspect.blank : await aspect.read(s3, context, want);
      } catch (caught) {
        const fault = unsupportedFault(caught);
        if (fault !== undefined) {
          lackOfRead = fault.message;
          return view(lacking(spec, fault.message));
        }
        const isOfFeature = caught instanceof Fault && (aspect.isApart === true || ofOneCall.has(caught.reason));
        if (isOfFeature) return view({ verdict: 'blocked', fault: caught });
        throw caught;
      }
      const lacks = new Map([...(refusal?.parts ?? noParts), ...unsupported]);
      const reached = compare(want, have, lacks, (gap) => stepTo(gap, spec, s3));
      const held = reached.verdict === 'same' ? aspect.held?.(want, have) : undefined;
      const finding: Finding = held === undefined ? reached : heldUp(held);
      return view(finding, managedAfter(spec, bucket, want, have, finding.verdict === 'same'));
    },

    birth(spec, bucket) {
      const fault = faultOfInputs(spec, bucket);
      if (fault !== undefined && aspect.atCreation !== undefined) throw fault;
      const want = fault === undefined ? aspect.desired(spec, bucket) : undefined;
      if (want === undefined) return { input: {}, owns: [] };
      return { input: aspect.atCreation?.(want) ?? {}, owns: aspect.owns?.(want) ?? [] };
    },

    async probe(s3, context) {
      if (learned !== undefined) return learned;
      try {
        return aspect.isSet(await aspect.read(s3, context)) ? 'Supported' : 'Unknown';
      } catch (caught) {
        if (!(caught instanceof Fault)) throw caught;
        return caught.reason === reasons.Unsupported ? 'Unsupported' : 'Unknown';
      }
    },

    ...(aspect.end === undefined
      ? {}
      : {
          end: async (s3, references, context) => aspect.end?.(s3, references, context) ?? false,
        }),

    ...(aspect.retire === undefined
      ? {}
      : {
          retire: async (s3, last, context) => aspect.retire?.(s3, last, context),
        }),
  };
};
