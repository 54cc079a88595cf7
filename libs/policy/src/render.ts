import type { PolicyDocument, PolicyStatement, Principal } from '@operator/api';
import { asList } from './json.ts';
import { withPrefixLength } from './network.ts';
import { bucketVariable } from './parse.ts';

/** One statement in IAM's own names. */
export interface IamStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: IamPrincipal;
  readonly NotPrincipal?: IamPrincipal;
  readonly Action?: readonly string[];
  readonly NotAction?: readonly string[];
  readonly Resource?: readonly string[];
  readonly NotResource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

export type IamPrincipal = Readonly<Record<string, readonly string[]>>;

/** A policy document as servers take it. */
export interface IamPolicy extends Readonly<Record<string, unknown>> {
  readonly Version: string;
  readonly Statement: readonly IamStatement[];
}

export interface RenderOptions {
  /** Replaces `${bucket}` in resources. IAM's own variables, such as `${aws:username}`, stay. */
  readonly bucket?: string;
  /** The principal of the user behind an AccessKey of the policy's namespace, as the server writes it under `AWS`. */
  readonly resolvePrincipal?: (accessKeyName: string) => string;
}

const strings = (value: unknown): readonly string[] => asList(value).map(String);

// MinIO takes an IPv6 address without prefix length for a /32, so every address says how long it is.
const conditionValues = (operator: string, value: unknown): readonly string[] =>
  operator.includes('IpAddress') ? strings(value).map(withPrefixLength) : strings(value);

const renderPrincipal = (principal: Principal, options: RenderOptions): IamPrincipal => {
  // Everybody as an object: there are servers that know only that form.
  if (principal === '*') return { AWS: ['*'] };
  const { accessKeyRef, ...kinds } = principal;
  const rendered = Object.fromEntries(Object.entries(kinds).map(([kind, value]) => [kind, strings(value)]));
  if (accessKeyRef === undefined) return rendered;
  if (options.resolvePrincipal === undefined) throw new Error('a policy with accessKeyRef needs resolvePrincipal');
  return { ...rendered, AWS: [...(rendered.AWS ?? []), options.resolvePrincipal(accessKeyRef.name)] };
};

const renderStatement = (statement: PolicyStatement, options: RenderOptions): IamStatement => {
  const { sid, effect, principal, notPrincipal, action, notAction, resource, notResource, condition } = statement;
  const resources = (value: unknown) =>
    strings(value).map((arn) => (options.bucket === undefined ? arn : arn.replaceAll(bucketVariable, options.bucket)));
  return {
    ...(sid === undefined ? {} : { Sid: sid }),
    Effect: effect,
    ...(principal === undefined ? {} : { Principal: renderPrincipal(principal, options) }),
    ...(notPrincipal === undefined ? {} : { NotPrincipal: renderPrincipal(notPrincipal, options) }),
    ...(action === undefined ? {} : { Action: strings(action) }),
    ...(notAction === undefined ? {} : { NotAction: strings(notAction) }),
    ...(resource === undefined ? {} : { Resource: resources(resource) }),
    ...(notResource === undefined ? {} : { NotResource: resources(notResource) }),
    ...(condition === undefined || Object.keys(condition).length === 0
      ? {}
      : {
          Condition: Object.fromEntries(
            Object.entries(condition).map(([operator, keys]) => [
              operator,
              Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, conditionValues(operator, value)])),
            ]),
          ),
        }),
  };
};

/**
 * Writes a parsed document in IAM's names: lists everywhere, condition values as text, addresses with prefix
 * length, everybody as `{"AWS": ["*"]}`.
 * @throws Error when an accessKeyRef stands in it and `resolvePrincipal` is missing; whatever `resolvePrincipal` throws
 */
export const renderPolicy = (document: PolicyDocument, options: RenderOptions = {}): IamPolicy => ({
  Version: document.version,
  Statement: document.statement.map((statement) => renderStatement(statement, options)),
});

/** The AccessKeys that a parsed document names as principals, each once. */
export const accessKeyRefs = (document: PolicyDocument): readonly string[] => {
  const names = document.statement
    .flatMap(({ principal, notPrincipal }) => [principal, notPrincipal])
    .flatMap((principal) => (principal === undefined || principal === '*' ? [] : (principal.accessKeyRef?.name ?? [])));
  return [...new Set(names)];
};
