import { parseDuration } from './duration.ts';
import { entriesIn } from './entries.ts';
import {
  accessKeyResource,
  annotations,
  bucketPolicyResource,
  bucketResource,
  group,
  providerResource,
} from './resources.ts';

/** What one annotation may be. */
interface AnnotationRule {
  readonly name: string;
  /** The kinds on which it means something; all when absent. */
  readonly on?: readonly string[];
  /** The value that it takes, for people. */
  readonly takes: string;
  readonly isValid: (value: string) => boolean;
}

const dnsLabel = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** `"false"` is what people write to say that it does not hold, and so it is taken. */
const flag = (name: string, on?: readonly string[]): AnnotationRule => ({
  name,
  ...(on === undefined ? {} : { on }),
  takes: '"true", in quotes, or nothing: take it off otherwise',
  isValid: (value) => value === 'true' || value === 'false',
});

const anyValue = (name: string, takes: string, on?: readonly string[]): AnnotationRule => ({
  name,
  ...(on === undefined ? {} : { on }),
  takes,
  isValid: () => true,
});

const listOf = (name: string, takes: string, entry: RegExp, on: readonly string[]): AnnotationRule => ({
  name,
  on,
  takes: `${takes}, with commas between`,
  isValid: (value) => entriesIn(value).every((one) => entry.test(one)),
});

const { kind: provider } = providerResource;
const { kind: bucket } = bucketResource;

const annotationRules: readonly AnnotationRule[] = [
  flag(annotations.paused),
  anyValue(annotations.reconcileRequestedAt, 'any new value'),
  {
    name: annotations.resyncInterval,
    takes: 'a duration from 1s to 168h, such as 30s, 10m or 1h30m',
    isValid: (value) => parseDuration(value) !== undefined,
  },
  flag(annotations.abandon),
  anyValue(annotations.sameServer, 'the new address of the server or of IAM, or the account', [provider]),
  listOf(annotations.confirmOwner, 'namespace/name/bucket', /^[^/\s]+\/[^/\s]+\/[^/\s]+$/, [provider]),
  listOf(annotations.confirmWithdrawal, 'names of namespaces', new RegExp(`^${dnsLabel}$`), [provider, bucket]),
  listOf(annotations.confirmOrphans, 'uids of AccessKeys, or names of users at the provider', /^[\w+=.@-]+$/, [
    provider,
  ]),
  flag(annotations.allowLockout, [bucketPolicyResource.kind]),
  anyValue(annotations.rotateRequestedAt, 'any new value', [accessKeyResource.kind]),
  anyValue(annotations.force, 'the value of rotate-requested-at', [accessKeyResource.kind]),
  anyValue(annotations.revokeRequestedAt, 'any new value', [accessKeyResource.kind, provider]),
];

/** An annotation of ours that has no effect as it stands. */
export interface AnnotationProblem {
  readonly name: string;
  /** Says what is wrong, with the value, and what is accepted. */
  readonly message: string;
}

const longestShown = 50;
const shown = (text: string): string =>
  JSON.stringify(text.length > longestShown ? `${text.slice(0, longestShown)}…` : text);

/**
 * The annotations with our prefix that mean nothing on an object: unknown ones, those of other kinds, and those whose value is none
 * that they take. Pure. `kind`: of the object.
 */
export const findAnnotationProblems = (
  kind: string,
  given: Readonly<Record<string, string>> | undefined,
): readonly AnnotationProblem[] => {
  const known = annotationRules.filter(({ on }) => on?.includes(kind) !== false);
  const accepted = known.map(({ name }) => name).join(', ');
  return Object.entries(given ?? {})
    .filter(([name]) => name.startsWith(`${group}/`))
    .flatMap(([name, value]) => {
      const rule = known.find((one) => one.name === name);
      if (rule?.isValid(value) === true) return [];
      const message =
        rule === undefined
          ? `Annotation ${name} has no meaning on this kind and no effect. Accepted are: ${accepted}.`
          : `Annotation ${name} is ${shown(value)}, which has no effect. It takes ${rule.takes}.`;
      return [{ name, message }];
    });
};

/** As one word of a shell. */
const quoted = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;

/**
 * The command by which a person sets an annotation of ours. The value is one word of a shell whatever stands in it: some values come from
 * servers, which may call a user `$(id)`. `target`: the object, or all of its kind in the cluster.
 */
export const commandToAnnotate = (
  { group, plural }: { readonly group: string; readonly plural: string },
  target: { readonly name: string; readonly namespace: string } | 'all',
  annotation: string,
  value: string,
): string => {
  const which =
    target === 'all' ? `-A --all ${plural}.${group}` : `${plural}.${group} ${target.name} -n ${target.namespace}`;
  return `kubectl annotate --overwrite ${which} ${annotation}=${quoted(value)}`;
};
