import {
  assert,
  array,
  constantFrom,
  option,
  property,
  record,
  shuffledSubarray,
  uniqueArray,
  type Arbitrary,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashPolicy, normalisePolicy, samePolicy } from './normalise.ts';

/* What holds of all documents, and not only of those in the tables of normalise.spec.ts. */

interface Meaning {
  readonly effect: 'Allow' | 'Deny';
  readonly principals: readonly string[];
  readonly not: readonly ('Principal' | 'Action' | 'Resource')[];
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly prefixes: readonly string[] | null;
}

const some = <T>(...values: readonly T[]): Arbitrary<T[]> =>
  uniqueArray(constantFrom(...values), { minLength: 1, maxLength: 3 });

const meaning: Arbitrary<Meaning> = record({
  effect: constantFrom('Allow', 'Deny'),
  principals: some('123456789012', '210987654321', 'arn:aws:iam::123456789012:user/app', 'AIDAEXAMPLE0000000000'),
  not: shuffledSubarray<'Principal' | 'Action' | 'Resource'>(['Principal', 'Action', 'Resource']),
  actions: some('s3:GetObject', 's3:PutObject', 's3:Get*', 's3:ListBucket'),
  resources: some('arn:aws:s3:::a', 'arn:aws:s3:::a/*', 'arn:aws:s3:::a/B', 'arn:aws:s3:::a/b'),
  prefixes: option(some('open/', 'Open/', 'secret/*')),
});
const meanings = uniqueArray(meaning, {
  minLength: 1,
  maxLength: 4,
  selector: (one) => JSON.stringify(sorted(one)),
});

const sorted = ({ principals, actions, resources, prefixes, not, effect }: Meaning) => [
  effect,
  [...principals].sort(),
  [...actions].sort(),
  [...resources].sort(),
  prefixes && [...prefixes].sort(),
  [...not].sort(),
];

/** How a document is written, without a say in what it means. */
interface Style {
  readonly isScalar: boolean;
  readonly isBackwards: boolean;
  readonly isDoubled: boolean;
  readonly isLoud: boolean;
  readonly isRooted: boolean;
  readonly sid: string | null;
}
const flag = constantFrom(true, false);
const style: Arbitrary<Style> = record({
  isScalar: flag,
  isBackwards: flag,
  isDoubled: flag,
  isLoud: flag,
  isRooted: flag,
  sid: option(constantFrom('One', '')),
});

const write = (statements: readonly Meaning[], how: Style): unknown => {
  const { isScalar, isBackwards, isDoubled, isLoud, isRooted, sid } = how;
  const list = (values: readonly unknown[]): unknown => {
    const ordered = isBackwards ? [...values].reverse() : [...values];
    const whole = isDoubled ? [...ordered, ...ordered.slice(0, 1)] : ordered;
    return isScalar && whole.length === 1 ? whole[0] : whole;
  };
  const keyed = (entries: readonly (readonly [string, unknown])[]) =>
    Object.fromEntries(isBackwards ? [...entries].reverse() : entries);
  const rooted = (name: string) => (isRooted && /^[0-9]{12}$/.test(name) ? `arn:aws:iam::${name}:root` : name);
  const statement = ({ effect, principals, not, actions, resources, prefixes }: Meaning) => {
    const named = (name: 'Principal' | 'Action' | 'Resource') => (not.includes(name) ? `Not${name}` : name);
    return keyed([
      ...(sid === null ? [] : [['Sid', sid] as const]),
      ['Effect', effect],
      [named('Principal'), { AWS: list(principals.map(rooted)) }],
      [named('Action'), list(actions.map((action) => (isLoud ? action.toUpperCase() : action)))],
      [named('Resource'), list(resources)],
      ...(prefixes === null
        ? []
        : [
            [
              'Condition',
              { [isLoud ? 'stringlike' : 'StringLike']: { [isLoud ? 'S3:Prefix' : 's3:prefix']: list(prefixes) } },
            ] as const,
          ]),
    ]);
  };
  return keyed([
    ['Version', '2012-10-17'],
    ['Statement', list(statements.map(statement))],
  ]);
};

describe('of any document', () => {
  it('the meaning does not hang on how it is written', () => {
    assert(
      property(meanings, style, style, (given, one, other) => {
        const [left, right] = [write(given, one), write(given, other)];
        expect(samePolicy(left, right)).toBe(true);
        expect(hashPolicy(left)).toBe(hashPolicy(right));
      }),
    );
  });

  it('a copy that went over the wire and back means the same', () => {
    assert(
      property(meanings, style, (given, how) => {
        const document = write(given, how);
        expect(normalisePolicy(JSON.parse(JSON.stringify(document)))).toEqual(normalisePolicy(document));
      }),
    );
  });

  it('the normal form is one: written as a document again, it is its own normal form', () => {
    assert(
      property(meanings, style, (given, how) => {
        const normal = normalisePolicy(write(given, how));
        const again = {
          Version: normal.version,
          Statement: normal.statements.map(({ content, sid }) => ({
            ...(sid === undefined ? {} : { Sid: sid }),
            ...asStatement(content),
          })),
        };
        expect(normalisePolicy(again)).toEqual(normal);
      }),
    );
  });

  it('two that mean different things differ, however they are written', () => {
    assert(
      property(array(meaning, { minLength: 2, maxLength: 2 }), style, style, ([left, right], one, other) => {
        if (left === undefined || right === undefined) return;
        const isSame = JSON.stringify(sorted(left)) === JSON.stringify(sorted(right));
        expect(samePolicy(write([left], one), write([right], other))).toBe(isSame);
        expect(hashPolicy(write([left], one)) === hashPolicy(write([right], other))).toBe(isSame);
      }),
    );
  });

  it('a change of one part is a change of the whole', () => {
    const changes: Arbitrary<(given: Meaning) => Meaning> = constantFrom<((given: Meaning) => Meaning)[]>(
      (given) => ({ ...given, effect: given.effect === 'Allow' ? 'Deny' : 'Allow' }),
      (given) => ({ ...given, principals: [...given.principals, '999999999999'] }),
      (given) => ({ ...given, actions: [...given.actions, 's3:DeleteObject'] }),
      (given) => ({ ...given, resources: [...given.resources, 'arn:aws:s3:::a/c'] }),
      (given) => ({ ...given, prefixes: [...(given.prefixes ?? []), 'more/'] }),
      (given) => ({ ...given, not: given.not.includes('Action') ? [] : ['Action'] }),
    );
    assert(
      property(meaning, changes, style, style, (given, change, one, other) => {
        expect(samePolicy(write([given], one), write([change(given)], other))).toBe(false);
      }),
    );
  });
});

/** A canonical statement, which is sorted pairs, as a document has it. */
const asStatement = (content: string): object =>
  Object.fromEntries(
    (JSON.parse(content) as readonly (readonly [string, unknown])[]).map(([name, value]) => {
      if (name.endsWith('principal'))
        return [name, Object.fromEntries(value as readonly (readonly [string, unknown])[])];
      if (name !== 'condition') return [name, value];
      const conditions = value as readonly (readonly [string, string, unknown])[];
      return [name, Object.fromEntries(conditions.map(([operator, key, values]) => [operator, { [key]: values }]))];
    }),
  );
