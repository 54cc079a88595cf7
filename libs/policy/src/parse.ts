import type { PolicyDocument, PolicyStatement } from '@operator/api';
import { checkCondition } from './condition.ts';
import { isJsonObject, own, type JsonObject } from './json.ts';
import { suggestion } from './nearest.ts';
import { checkPrincipal } from './principal.ts';
import { at, Findings, notText, shown, type Problem } from './problem.ts';

/** A bucket policy says in every statement whom it is about; the policy of a user never does. */
export type PolicyKind = 'bucket' | 'identity';

export interface ParseOptions {
  /** The bucket a bucket policy is for: its resources must belong to it. Unchecked when left out. */
  readonly bucket?: string;
  /** Most bytes of the document as JSON, UTF-8. Default 20 480, the limit of a bucket policy. */
  readonly maxBytes?: number;
}

export type ParsedPolicy = { readonly document: PolicyDocument } | { readonly problems: readonly Problem[] };

const versions = ['2012-10-17', '2008-10-17'] as const;
const documentKeys = ['version', 'statement'];
const effects = ['Allow', 'Deny'];
const principalKeys = ['principal', 'notPrincipal'];
const sharedKeys = ['sid', 'effect', 'action', 'notAction', 'resource', 'notResource', 'condition'];
/** Source: Amazon S3 User Guide, Bucket policies: "limited to 20 KB". */
const defaultMaxBytes = 20_480;
/** Where `${bucket}` stands in a resource, the bucket's name is written. */
export const bucketVariable = '${bucket}';

const checkKeys = (object: JsonObject, allowed: readonly string[], path: string, findings: Findings): void => {
  for (const key of Object.keys(object)) {
    if (!allowed.includes(key)) findings.add(at(path, key), `unknown key${suggestion(key, allowed)}`);
  }
};

const checkOneOf = (statement: JsonObject, key: string, notKey: string, path: string, findings: Findings): void => {
  const both = Object.hasOwn(statement, key) && Object.hasOwn(statement, notKey);
  if (both) findings.add(at(path, notKey), `cannot stand beside ${key}`);
  if (!Object.hasOwn(statement, key) && !Object.hasOwn(statement, notKey)) {
    findings.add(at(path, key), `is missing (or ${notKey} in its place)`);
  }
};

const checkNames = (
  statement: JsonObject,
  key: string,
  path: string,
  findings: Findings,
  problemOf: (name: string) => string | undefined,
): void => {
  if (!Object.hasOwn(statement, key)) return;
  const value = statement[key];
  const keyPath = at(path, key);
  if (Array.isArray(value) && value.length === 0) findings.add(keyPath, 'the list is empty');
  for (const [index, name] of (Array.isArray(value) ? (value as unknown[]) : [value]).entries()) {
    const problem = typeof name === 'string' ? problemOf(name) : notText(name, 'text or a list of texts');
    if (problem !== undefined) findings.add(Array.isArray(value) ? at(keyPath, index) : keyPath, problem);
  }
};

const actionProblem =
  (kind: PolicyKind) =>
  (action: string): string | undefined => {
    if (action === '*') return undefined;
    if (!/^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$/.test(action))
      return `an action looks like s3:GetObject or s3:*; it is ${shown(action)}`;
    if (kind === 'bucket' && !/^s3:/i.test(action))
      return `a bucket policy is about s3 actions only; it is ${shown(action)}`;
    return undefined;
  };

const bucketResourceProblem = (resource: string, bucket: string | undefined): string | undefined => {
  const [, partition, rest] = /^arn:([^:]*):s3:::(.*)$/s.exec(resource) ?? [];
  if (partition === undefined || rest === undefined) {
    return `a resource of a bucket policy looks like arn:aws:s3:::${bucketVariable} or arn:aws:s3:::${bucketVariable}/*; it is ${shown(resource)}`;
  }
  if (!['aws', 'aws-cn', 'aws-us-gov'].includes(partition)) {
    return `unknown partition ${shown(partition)}${suggestion(partition, ['aws', 'aws-cn', 'aws-us-gov'])}`;
  }
  const [, name = '', tail = ''] = /^(\$\{bucket\}|[^/*?$]*)(.*)$/s.exec(rest) ?? [];
  const ours = name === bucketVariable || (bucket === undefined ? name !== '' : name === bucket);
  if (ours && (tail === '' || tail === '*' || tail.startsWith('/'))) return undefined;
  return bucket === undefined
    ? `must name the bucket, best as ${bucketVariable}; it is ${shown(resource)}`
    : `must belong to the bucket ${shown(bucket)}; it is ${shown(resource)}`;
};

const identityResourceProblem = (resource: string, bucket: string | undefined): string | undefined => {
  if (bucket === undefined && resource.includes(bucketVariable)) {
    return `${bucketVariable} stands for nothing here: write the name of the bucket, or ask for rights with access`;
  }
  if (resource === '*' || /^arn:[^:\s]+:[^:\s]*:[^:\s]*:[^:\s]*:.+$/s.test(resource)) return undefined;
  return `a resource is "*" or an ARN such as arn:aws:s3:::name/*; it is ${shown(resource)}`;
};

const checkSid = (
  sid: unknown,
  kind: PolicyKind,
  path: string,
  findings: Findings,
  seen: Map<string, number>,
  index: number,
): void => {
  if (typeof sid !== 'string' || sid === '' || sid.length > 128) {
    findings.add(path, `must be text of 1 to 128 characters; it is ${shown(sid)}`);
    return;
  }
  // Source: IAM User Guide, Sid: ASCII letters and digits; bucket policies are not so strict.
  if (kind === 'identity' && !/^[A-Za-z0-9]+$/.test(sid))
    findings.add(path, `has only letters and digits; it is ${shown(sid)}`);
  const first = seen.get(sid);
  if (first === undefined) seen.set(sid, index);
  else findings.add(path, `${shown(sid)} is also the sid of statement[${String(first)}]`);
};

/**
 * Reads a policy in our lower-case names. Everything that is wrong is told at once, each with the path of its element.
 *
 * Source: IAM User Guide, Grammar of the IAM JSON policy language.
 */
export const parsePolicy = (input: unknown, kind: PolicyKind, options: ParseOptions = {}): ParsedPolicy => {
  const findings = new Findings();
  if (!isJsonObject(input))
    return { problems: [{ path: '', message: `a policy is an object; it is ${shown(input)}` }] };

  const { bucket, maxBytes = defaultMaxBytes } = options;
  const text = JSON.stringify(input);
  const bytes = Buffer.byteLength(bucket === undefined ? text : text.replaceAll(bucketVariable, bucket));
  if (bytes > maxBytes) {
    return {
      problems: [
        { path: '', message: `the policy has ${String(bytes)} bytes; at most ${String(maxBytes)} are allowed` },
      ],
    };
  }

  checkKeys(input, documentKeys, '', findings);
  const version = own(input, 'version') ?? versions[0];
  if (!versions.some((known) => known === version)) {
    findings.add('version', `must be ${versions.join(' or ')}; it is ${shown(version)}`);
  }
  const statements = own(input, 'statement');
  if (!Array.isArray(statements) || statements.length === 0) {
    findings.add('statement', `must be a list with at least one statement; it is ${shown(statements)}`);
    return { problems: findings.problems };
  }

  const sids = new Map<string, number>();
  for (const [index, statement] of (statements as unknown[]).entries()) {
    const path = at('statement', index);
    if (!isJsonObject(statement)) {
      findings.add(path, `must be an object; it is ${shown(statement)}`);
      continue;
    }
    checkStatement(statement, kind, bucket, path, findings);
    if (Object.hasOwn(statement, 'sid')) checkSid(statement.sid, kind, at(path, 'sid'), findings, sids, index);
  }
  if (findings.problems.length > 0) return { problems: findings.problems };
  return {
    document: { version: version as (typeof versions)[number], statement: statements as readonly PolicyStatement[] },
  };
};

const checkStatement = (
  statement: JsonObject,
  kind: PolicyKind,
  bucket: string | undefined,
  path: string,
  findings: Findings,
): void => {
  checkKeys(statement, [...sharedKeys, ...principalKeys], path, findings);

  const effect = own(statement, 'effect');
  if (typeof effect !== 'string' || !effects.includes(effect)) {
    const hint = typeof effect === 'string' ? suggestion(effect, effects) : '';
    findings.add(
      at(path, 'effect'),
      effect === undefined ? 'is missing: Allow or Deny' : `must be Allow or Deny; it is ${shown(effect)}${hint}`,
    );
  }

  if (kind === 'bucket') {
    checkOneOf(statement, 'principal', 'notPrincipal', path, findings);
    for (const key of principalKeys) {
      if (Object.hasOwn(statement, key)) checkPrincipal(statement[key], at(path, key), findings);
    }
    // Source: IAM User Guide, NotPrincipal: only with Deny. With Allow it would let in everybody else.
    if (effect === 'Allow' && Object.hasOwn(statement, 'notPrincipal')) {
      findings.add(at(path, 'notPrincipal'), 'is only for effect Deny');
    }
  } else {
    for (const key of principalKeys) {
      if (Object.hasOwn(statement, key)) findings.add(at(path, key), 'the policy of a user has no principal');
    }
  }

  checkOneOf(statement, 'action', 'notAction', path, findings);
  for (const key of ['action', 'notAction']) checkNames(statement, key, path, findings, actionProblem(kind));

  checkOneOf(statement, 'resource', 'notResource', path, findings);
  const resourceProblem = kind === 'bucket' ? bucketResourceProblem : identityResourceProblem;
  for (const key of ['resource', 'notResource']) {
    checkNames(statement, key, path, findings, (resource) => resourceProblem(resource, bucket));
  }

  if (Object.hasOwn(statement, 'condition')) checkCondition(statement.condition, at(path, 'condition'), findings);
};
