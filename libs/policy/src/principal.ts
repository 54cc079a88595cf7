import { isJsonObject } from './json.ts';
import { suggestion } from './nearest.ts';
import { at, notText, shown, type Findings } from './problem.ts';

const principalKinds = ['AWS', 'Service', 'Federated', 'CanonicalUser'];
const principalKeys = [...principalKinds, 'accessKeyRef'];

// The one principal whose name has spaces. Source: Amazon CloudFront Developer Guide, Use an origin access identity.
const originAccessIdentity = /^arn:[a-z0-9-]+:iam::cloudfront:user\/CloudFront Origin Access Identity [A-Z0-9]+$/;

// What the servers accept differs (AWS: account, ARN or *; others also plain user names), so only the ARN's form is certain.
const valueProblem = (kind: string, value: unknown): string | undefined => {
  if (typeof value !== 'string' || value === '') return notText(value);
  if (/\s/.test(value) && !originAccessIdentity.test(value)) return `must not have spaces; it is ${shown(value)}`;
  if (kind === 'AWS' && value.startsWith('arn:') && !/^arn:[a-z0-9-]+:(iam|sts):[a-z0-9-]*:[^:]*:.+$/.test(value)) {
    return `the ARN of a principal looks like arn:aws:iam::123456789012:user/name; it is ${shown(value)}`;
  }
  if (kind === 'Service' && !/^[a-z0-9.-]+$/.test(value))
    return `a service looks like name.amazonaws.com; it is ${shown(value)}`;
  return undefined;
};

const checkAccessKeyRef = (reference: unknown, path: string, findings: Findings): void => {
  if (!isJsonObject(reference)) {
    findings.add(path, 'must be an object with the name of an AccessKey');
    return;
  }
  for (const [key, value] of Object.entries(reference)) {
    if (key !== 'name') findings.add(at(path, key), 'unknown key; accessKeyRef has only name, in the same namespace');
    else if (typeof value !== 'string' || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value)) {
      findings.add(at(path, key), `must be the name of an AccessKey; it is ${shown(value)}`);
    }
  }
  if (!Object.hasOwn(reference, 'name')) findings.add(path, 'needs name, the name of an AccessKey');
};

/** Checks a principal: "*", or an object with AWS, Service, Federated, CanonicalUser or accessKeyRef. */
export const checkPrincipal = (principal: unknown, path: string, findings: Findings): void => {
  if (principal === '*') return;
  if (typeof principal === 'string') {
    findings.add(path, `a principal is "*" or an object; write {AWS: ${shown(principal)}}`);
    return;
  }
  if (typeof principal === 'number') {
    const text = 'quote it, and write {AWS: "…"} around it';
    findings.add(path, `a principal is "*" or an object; it is ${shown(principal)}, as YAML reads a number: ${text}`);
    return;
  }
  if (!isJsonObject(principal) || Object.keys(principal).length === 0) {
    findings.add(path, `must be "*" or an object with ${principalKeys.join(', ')}; it is ${shown(principal)}`);
    return;
  }
  for (const [kind, value] of Object.entries(principal)) {
    const kindPath = at(path, kind);
    if (kind === 'accessKeyRef') checkAccessKeyRef(value, kindPath, findings);
    else if (!principalKinds.includes(kind))
      findings.add(kindPath, `unknown kind of principal${suggestion(kind, principalKeys)}`);
    else if (Array.isArray(value) && value.length === 0) findings.add(kindPath, 'the list is empty');
    else {
      for (const [index, item] of (Array.isArray(value) ? (value as unknown[]) : [value]).entries()) {
        const problem = valueProblem(kind, item);
        if (problem !== undefined) findings.add(Array.isArray(value) ? at(kindPath, index) : kindPath, problem);
      }
    }
  }
};
