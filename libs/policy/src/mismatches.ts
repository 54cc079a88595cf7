import type { PolicyDocument, PolicyStatement } from '@operator/api';
import { asList } from './json.ts';
import { nearest } from './nearest.ts';
import { bucketVariable, type PolicyKind } from './parse.ts';
import { at, describeProblems, type Problem } from './problem.ts';
import { actionOfCall, actionsMatching, levelsOf, s3Actions, type ActionLevel } from './s3-actions.ts';

/** An action that, as it stands, allows or denies nothing. */
export interface Mismatch extends Problem {
  /** `spelling`: but for its case the action is known, which AWS takes and MinIO does not. */
  readonly is: 'unknown' | 'spelling' | 'level';
}

/** What to write as resource, in the words of the resources that stand there. */
const resourceFor = (level: ActionLevel, resources: readonly string[], kind: PolicyKind): string => {
  if (level === 'account') return '"*"';
  const [, partition = 'aws', name = ''] = /^arn:([^:]*):s3:::([^/]*)/.exec(resources[0] ?? '') ?? [];
  const bucket = `arn:${partition}:s3:::${kind === 'bucket' ? bucketVariable : name}`;
  return level === 'bucket' ? bucket : `${bucket}/*`;
};

const about: Readonly<Record<ActionLevel, string>> = {
  bucket: 'acts on the bucket itself',
  object: 'acts on objects',
  account: 'acts on the whole account',
};

/** The resources of a statement, and the levels that they may be of; undefined for all but some, which are of every level. */
interface Scope {
  readonly resources: readonly string[];
  readonly levels: ReadonlySet<ActionLevel>;
}

/** So long is no action of S3, and longer words are not compared. */
const longestName = 64;

const mismatchOf = (action: string, scope: Scope | undefined, kind: PolicyKind): Omit<Mismatch, 'path'> | undefined => {
  // Actions of other services are none of ours to know.
  if (action !== '*' && !/^s3:/i.test(action)) return undefined;
  const [only, ...others] = actionsMatching(action);
  if (only === undefined) return unknownAction(action);
  const levels = new Set([only, ...others].map(({ level }) => level));
  const name = action.slice(0, longestName);
  if (kind === 'bucket' && levels.size === 1 && levels.has('account')) {
    return { is: 'level', message: `${name} acts on the whole account, which a bucket policy says nothing about` };
  }
  if (scope !== undefined && levels.isDisjointFrom(scope.levels)) {
    const wanted = resourceFor(only.level, scope.resources, kind);
    return { is: 'level', message: `${name} ${about[only.level]}: use ${wanted} as resource` };
  }
  const isMisspelt = !/[*?]/.test(action) && only.name !== action;
  return isMisspelt ? { is: 'spelling', message: `${name} is written ${only.name}, with these capitals` } : undefined;
};

const unknownAction = (action: string): Omit<Mismatch, 'path'> | undefined => {
  const meant = action.length > longestName ? undefined : (actionOfCall(action) ?? nearest(action, namesOfActions));
  return meant === undefined
    ? undefined
    : { is: 'unknown', message: `${action} is not an action of S3 (did you mean "${meant}"?)` };
};

const namesOfActions = s3Actions.map(({ name }) => name);

const scopeOf = ({ resource, notResource }: PolicyStatement): Scope | undefined => {
  if (notResource !== undefined) return undefined;
  const resources = asList(resource).map(String);
  return { resources, levels: new Set(resources.flatMap(levelsOf)) };
};

const mismatchesIn = (statement: PolicyStatement, path: string, kind: PolicyKind): readonly Mismatch[] => {
  const scope = scopeOf(statement);
  const actionPath = at(path, 'action');
  return asList(statement.action).flatMap((name, index) => {
    const found = mismatchOf(String(name), scope, kind);
    return found === undefined
      ? []
      : [{ ...found, path: Array.isArray(statement.action) ? at(actionPath, index) : actionPath }];
  });
};

/**
 * The actions of a parsed document that match none of the resources of their statement, or that no S3 server has, each with what was
 * most likely meant. Servers refuse such a bucket policy or keep it without effect, and keep that of a user. Pure.
 */
export const findMismatches = (
  { statement }: Pick<PolicyDocument, 'statement'>,
  kind: PolicyKind,
): readonly Mismatch[] => statement.flatMap((one, index) => mismatchesIn(one, at('statement', index), kind));

/**
 * A refusal of a server in words that name the statement and what was meant, the server's own after them; undefined where nothing is
 * known but what the server says. Pure.
 */
export const explainRefusal = (
  document: Pick<PolicyDocument, 'statement'>,
  kind: PolicyKind,
  serverWords: string,
): string | undefined => {
  const mismatches = findMismatches(document, kind);
  return mismatches.length === 0 ? undefined : `${describeProblems(mismatches)}. ${serverWords}`;
};
