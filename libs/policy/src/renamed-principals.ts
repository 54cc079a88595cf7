import { normalisePolicy } from './normalise.ts';

/** A statement in parts: the names of its principals, each with its kind, and all else. */
interface Parts {
  readonly names: readonly string[];
  readonly rest: string;
}

const partsOf = (content: string): Parts => {
  const names: string[] = [];
  const rest = (JSON.parse(content) as readonly (readonly [string, unknown])[]).map(([element, value]) => {
    if (element !== 'principal' && element !== 'notprincipal') return [element, value];
    for (const [kind, ofKind] of value as readonly (readonly [string, readonly string[]])[])
      names.push(...ofKind.map((name) => `${kind} ${name}`));
    return [element];
  });
  return { names, rest: JSON.stringify(rest) };
};

// A canonical user is an account, or what CloudFront signs in as. An account is in its normal form here.
const ofCanonicalUser =
  /^AWS ([0-9]{12}|arn:[a-z0-9-]+:iam::cloudfront:user\/CloudFront Origin Access Identity [A-Z0-9]+)$/;

/** Whether the one statement is the other, with ARNs for as many canonical users. */
const isStoredAs = (stored: Parts, sent: Parts): boolean => {
  const added = stored.names.filter((name) => !sent.names.includes(name));
  const gone = sent.names.filter((name) => !stored.names.includes(name));
  return (
    stored.rest === sent.rest &&
    added.length === gone.length &&
    added.every((name) => ofCanonicalUser.test(name)) &&
    gone.every((name) => name.startsWith('CanonicalUser '))
  );
};

/**
 * Whether a stored IAM document is the one that was sent with nothing changed but canonical users, which AWS keeps by the ARNs of their
 * accounts: each statement of one has its like in the other. Any other name is another principal.
 * Source: IAM User Guide, AWS JSON policy elements: Principal; CloudFront Developer Guide, origin access identity.
 */
export const isStoredByArn = (stored: unknown, sent: unknown): boolean => {
  const [theirs, ours] = [normalisePolicy(stored), normalisePolicy(sent)];
  const left = ours.statements.map(({ content }) => partsOf(content));
  if (theirs.version !== ours.version || theirs.statements.length !== left.length) return false;
  return theirs.statements.every(({ content }) => {
    const parts = partsOf(content);
    const at = left.findIndex((candidate) => isStoredAs(parts, candidate));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
};
